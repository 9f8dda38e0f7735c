"""New patients out of one labelled CT: each variant is posed, built and scanned differently.

Arrays are ``[z, y, x]`` in canonical orientation (z superior, y posterior, x patient left), CT numbers in HU.
Whole volumes are varied, before a case is cut into training samples: a head that nods shows a 2D network
axial slices that no transformation of the given slices makes.
"""

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Volume
from hnseg_train.recipes import Organs
from hnseg_train.variation.crop import LEAST_SLICES, crop, head_levels, sample_crop
from hnseg_train.variation.deform import deform, planes_in_view
from hnseg_train.variation.deformation import sample_deformation
from hnseg_train.variation.intensity import change_intensity, sample_intensity
from hnseg_train.variation.landmarks import head_centre
from hnseg_train.variation.metal import add_fillings, sample_fillings
from hnseg_train.variation.mirror import exchange_table, mirror
from hnseg_train.variation.slices import sample_slice_profile, thicken_slices
from hnseg_train.variation.support import add_other_support, remove_support, sample_support

MIRRORED = 0.5
OTHER_SUPPORT = 0.5
FILLINGS = 0.3
"""How often a variant is mirrored, loses its couch and mask, gets fillings."""

LEAST_COSINE = 0.7
"""Of a grid axis and the patient axis that it has to run along."""


def vary(
    ct: Volume,
    labels: NDArray[np.uint8],
    organs: Organs,
    rng: np.random.Generator,
    *,
    mirrored: bool | None = None,
) -> tuple[Volume, NDArray[np.uint8]]:
    """A plausible other patient: HU in float32 on a grid of its own, labels ``[z, y, x]`` on the same grid.

    ct, labels: canonical. organs: (label value, name) of all that the labels may hold. mirrored: None draws
    it; of a case with an organ that was contoured on one side alone, a mirrored one would have the other.
    Equal arguments and an equal ``rng`` give equal bytes. Raises InputError when ct and labels do not fit,
    when they are not canonical, and, unless mirrored is False, for organs that ``mirror`` refuses.
    """
    _check(ct, labels)
    if mirrored is None:
        # whether organs can be mirrored is no matter of luck
        exchange_table(organs)
        mirrored = bool(rng.random() < MIRRORED)
    ct = Volume(ct.array.astype(np.float32), ct.geometry)
    if mirrored:
        ct, labels = mirror(ct, labels, organs=organs)
    other_support = rng.random() < OTHER_SUPPORT
    if other_support:
        # before the head is turned: the patient's own couch lies level only here
        ct = remove_support(ct)
    deformation = sample_deformation(ct.geometry, head_centre(ct, labels), rng)
    planes = planes_in_view(ct, deformation=deformation)
    ct, labels = deform(ct, labels, deformation=deformation)
    if planes.stop - planes.start >= LEAST_SLICES and labels[planes].any() == labels.any():
        ct, labels = crop(ct, labels, planes=planes)
    if other_support:
        ct = add_other_support(ct, labels, organs=organs, support=sample_support(rng))
    if rng.random() < FILLINGS:
        ct = add_fillings(ct, labels, organs=organs, fillings=sample_fillings(rng))
    ct = thicken_slices(ct, profile=sample_slice_profile(rng))
    ct = change_intensity(ct, intensity=sample_intensity(rng))
    levels = head_levels(ct, labels, organs)
    return crop(ct, labels, planes=sample_crop(labels, levels, rng))


def _check(ct: Volume, labels: NDArray[np.uint8]) -> None:
    if labels.dtype != np.uint8 or labels.shape != ct.array.shape:
        raise InputError(
            f"The CT has shape {ct.array.shape}; its labels have {labels.shape} in {labels.dtype}, "
            "where the same shape in uint8 is needed."
        )
    if ct.geometry.matrix.diagonal().min() < LEAST_COSINE:
        raise InputError("A CT is varied in canonical orientation; call to_canonical first.")
