"""Another couch, head rest and mask.

Arrays are ``[z, y, x]`` in canonical orientation (y posterior, where the couch is), HU in float32.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.preprocessing import BODY_HU, body_mask
from hnseg_infer.volume import Volume
from hnseg_train.phantom.scanner import Scanner, add_support, sample_scanner
from hnseg_train.recipes import Organs
from hnseg_train.variation.landmarks import head_centre, label_boxes, organ_values

AIR_HU = -1000.0

FLESH_HU = -180.0
"""Above couch shells, masks and foam: ears and nose, thinner than what a body mask keeps."""

EAR_MM = 24.0
"""How far ears and nose stand out from the body mask."""

SKIN_MM = 3.0
"""What is kept around flesh: the skin's blurred edge."""

BRIDGED_MM = 15.0
"""Hollows of the face that a mask spans."""

WITH_SUPPORT, WITH_SHELL = 0.75, 0.4
"""How often a support is put in place of the removed one, and a mask over the face."""


@dataclass(frozen=True)
class Support:
    """scanner: couch and head rest; None for no support. shell: mm between skin and mask, the mask's
    thickness in mm, its HU; None for no mask.
    """

    scanner: Scanner | None
    shell: tuple[float, float, float] | None


def sample_support(rng: np.random.Generator) -> Support:
    """Draw what the patient lies on and under."""
    scanner = sample_scanner(rng)
    gap, thickness, hu = rng.uniform((0.5, 1.5, -600.0), (3.0, 3.0, -150.0)).tolist()
    return Support(
        scanner if rng.random() < WITH_SUPPORT else None,
        (gap, thickness, hu) if rng.random() < WITH_SHELL else None,
    )


def remove_support(ct: Volume) -> Volume:
    """The patient in air; the given CT where no body is found."""
    spacing = ct.geometry.spacing_zyx
    mask, (step_y, step_x) = body_mask(ct.array, spacing)
    if not mask.any():
        return ct
    coarse = ct.array[:, ::step_y, ::step_x]
    steps = max(1, round(EAR_MM / (step_y * spacing[1])))
    kept = ndimage.binary_dilation(mask, None, steps, mask=mask | (coarse > FLESH_HU))
    kept = np.repeat(np.repeat(kept, step_y, axis=1), step_x, axis=2)
    _, height, width = ct.array.shape
    kept = kept[:, :height, :width]
    # each coarse pixel stands for those after it; skin lies up to a step before them
    reach_y, reach_x = step_y + round(SKIN_MM / spacing[1]), step_x + round(SKIN_MM / spacing[2])
    kept = ndimage.maximum_filter(kept.view(np.uint8), (1, 2 * reach_y - 1, 2 * reach_x - 1)) > 0
    return Volume(np.where(kept, ct.array, np.float32(AIR_HU)).astype(np.float32), ct.geometry)


def add_other_support(ct: Volume, labels: NDArray[np.uint8], *, organs: Organs, support: Support) -> Volume:
    """The bare patient on another support and under another mask."""
    array = ct.array.astype(np.float32)
    spacing = ct.geometry.spacing_zyx
    z, _, x = (mm / step for mm, step in zip(head_centre(ct, labels), spacing, strict=True))
    if support.shell is not None:
        _add_shell(array, spacing, support.shell)
    if support.scanner is not None and (array > BODY_HU).any():
        boxes = label_boxes(labels)
        stems = [boxes[value][0] for value in organ_values(organs, "brain_stem") if value in boxes]
        row = (stems[0].start + stems[0].stop - 1) / 2 if stems else z
        add_support(array, spacing[2], spacing[0], row, x, support.scanner)
    return Volume(array, ct.geometry)


def _add_shell(
    array: NDArray[np.float32], spacing: tuple[float, float, float], shell: tuple[float, float, float]
) -> None:
    """A mask over the front of the patient, spanning the hollows of the face (in place)."""
    gap, thickness, hu = shell
    body, (step_y, step_x) = body_mask(array, spacing)
    pad = int(2 * BRIDGED_MM)
    for plane, coarse in zip(array, body, strict=True):
        rows, columns = np.nonzero(coarse)
        if not rows.size:
            continue
        box = (
            slice(max(int(rows.min()) * step_y - pad, 0), int(rows.mean() * step_y)),
            slice(max(int(columns.min()) * step_x - pad, 0), int(columns.max() + 1) * step_x + pad),
        )
        part = plane[box]
        tissue = part > BODY_HU
        if not tissue.any():
            continue
        around = ndimage.distance_transform_edt(~tissue, spacing[1:]) < BRIDGED_MM
        # from the bridged surface outwards
        distance = BRIDGED_MM - ndimage.distance_transform_edt(around, spacing[1:])
        part[(distance > gap) & (distance < gap + thickness) & ~tissue] = hu
