"""Fillings in the teeth, and the streaks that they make.

Arrays are ``[z, y, x]`` in canonical orientation (y posterior), HU in float32.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Volume
from hnseg_train.phantom.scanner import add_streaks
from hnseg_train.recipes import Organs
from hnseg_train.variation.landmarks import label_boxes, organ_values

TOOTH_HU = 1200.0
"""Enamel and, where teeth are lost, the densest bone that an implant would stand in are above."""

RIDGE_MM = (-6.0, 10.0)
"""Where teeth are: from below the upper edge of the mandible to above it."""

BODY_MM = 12.0
"""Height of the mandible where it carries teeth; the tip of the chin in front of them is lower."""

FRONT = 0.5
"""Part of the mandible's depth, from the front, that carries teeth; behind it are the rami."""

FILLING_HU = 4000.0
"""Above what streaks start from; scanners store less."""

TISSUE_HU = -200.0
"""A filling does not stand out into the air of the mouth."""

STORED_HU = 3071.0


@dataclass(frozen=True)
class Fillings:
    """radii: mm of each piece of metal along z, y, x. seed: of their places and of the streaks."""

    radii: tuple[tuple[float, float, float], ...]
    seed: int


def sample_fillings(rng: np.random.Generator) -> Fillings:
    """Draw one to four fillings."""
    radii = [tuple(rng.uniform((1.0, 1.5, 1.5), (2.5, 3.5, 3.5)).tolist()) for _ in range(rng.integers(1, 5))]
    return Fillings(tuple((z, y, x) for z, y, x in radii), int(rng.integers(2**63)))


def add_fillings(ct: Volume, labels: NDArray[np.uint8], *, organs: Organs, fillings: Fillings) -> Volume:
    """The CT with fillings in teeth near the mandible; the given CT when there is no mandible or no tooth."""
    teeth = _teeth(ct, labels, organs)
    if not len(teeth):
        return ct
    rng = np.random.default_rng(fillings.seed)
    spacing = ct.geometry.spacing_zyx
    # the patient's own fillings have their streaks already
    array = np.minimum(ct.array.astype(np.float32), np.float32(STORED_HU))
    metal = array.copy()
    pieces = np.zeros(array.shape, bool)
    for radii, place in zip(fillings.radii, rng.choice(teeth, len(fillings.radii)), strict=True):
        reach = [int(np.ceil(radius / mm)) for radius, mm in zip(radii, spacing, strict=True)]
        box = tuple(
            slice(max(middle - n, 0), middle + n + 1) for middle, n in zip(place.tolist(), reach, strict=True)
        )
        z, y, x = (
            (np.arange(part.start, min(part.stop, size)) - middle) * mm / radius
            for part, size, middle, mm, radius in zip(
                box, array.shape, place.tolist(), spacing, radii, strict=True
            )
        )
        ball = z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2 <= 1
        pieces[box] |= ball & (array[box] > TISSUE_HU)
    metal[pieces] = FILLING_HU
    planes = np.flatnonzero(pieces.any(axis=(1, 2)))
    # streaks are drawn in the planes of the metal alone
    for plane in planes.tolist():
        add_streaks(metal[plane : plane + 1], rng)
    # rays of one filling would darken the next one
    metal[pieces] = FILLING_HU
    return Volume(np.minimum(metal, np.float32(STORED_HU)), ct.geometry)


def _teeth(ct: Volume, labels: NDArray[np.uint8], organs: Organs) -> NDArray[np.int64]:
    """``[n, 3]``: indices (z, y, x) of what is as dense as teeth on the front of the mandible."""
    values = organ_values(organs, "mandible")
    boxes = [box for value, box in label_boxes(labels).items() if value in values]
    if not boxes:
        return np.empty((0, 3), np.int64)
    slice_mm = ct.geometry.spacing[2]
    rows, columns = (
        slice(min(box[axis].start for box in boxes), max(box[axis].stop for box in boxes)) for axis in (1, 2)
    )
    rows = slice(rows.start, rows.start + int(FRONT * (rows.stop - rows.start)))
    mandible = np.isin(labels[:, rows, columns], values)
    top = len(mandible) - 1 - mandible[::-1].argmax(axis=0)
    above_mm = (np.arange(len(mandible))[:, None, None] - top) * slice_mm
    teeth = (above_mm >= RIDGE_MM[0]) & (above_mm <= RIDGE_MM[1]) & (ct.array[:, rows, columns] > TOOTH_HU)
    teeth &= mandible.sum(axis=0) * slice_mm >= BODY_MM
    found: NDArray[np.int64] = np.argwhere(teeth) + np.array([0, rows.start, columns.start])
    return found
