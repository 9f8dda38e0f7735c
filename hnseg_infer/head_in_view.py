"""Is there a head or a neck in a CT? A skull with a brain inside is like nothing else in the body.

Arrays are canonical ``[z, y, x]`` in HU, spacing is (z, y, x) mm.
"""

import numpy as np
from scipy import ndimage

from hnseg_infer.preprocessing import body_mask, fill_holes
from hnseg_infer.volume import Array

MINIMUM_EXTENT = 6.0
"""mm of slices that must show a brain.

Of 175 OpenKBP CTs with a contoured brain stem, 166 show more; in the other 9 the skull is cropped or
blanked out. Of the same CTs cut off below their brain stem, 169 show less, none more than 12 mm.
"""

_STEP = 4.0
"""mm of in-plane voxels that the slices are averaged to, against noise; the skull is thicker."""

_GAP = 8.0
"""mm: how far bone is grown to close the skull's thin places, sutures and foramina."""

BONE_HU = 150

_BRAIN = (-20, 100)
"""HU of what the skull must hold; the abdomen and chest hold fat or air."""

BRAIN_EVERY_MM = 12.0
"""mm from one slice to the next in which a brain is looked for; it is 100 mm high and more."""

_BRAIN_SHARE = 0.8
_BRAIN_CM2 = (40.0, 320.0)
"""Area enclosed in one slice: more than a spinal canal or eye, less than a chest."""

NECK_WIDTH_MM = 230.0
NECK_CM2 = 40.0
"""A slice through head or neck: no wider, and no smaller; shoulders and chests are 300 mm wide."""

MINIMUM_NECK = 10.0
"""mm of such slices that must be in view; a CT that shows the neck has about 100."""


def neck_extent(hu: Array, spacing: tuple[float, float, float]) -> float:
    """Millimetres of axial slices in which the body is as narrow as a head or a neck."""
    mask, (step_y, step_x) = body_mask(hu, spacing)
    areas = mask.sum(axis=(1, 2)) * (step_y * spacing[1] * step_x * spacing[2]) / 100.0
    columns = np.asarray(mask.any(axis=1))
    # from the first to the last column that holds body
    spans = mask.shape[2] - columns.argmax(axis=1) - columns[:, ::-1].argmax(axis=1)
    narrow = (areas >= NECK_CM2) & (spans * step_x * spacing[2] <= NECK_WIDTH_MM)
    return float(narrow.sum() * spacing[0])


def brain_extent(hu: Array, spacing: tuple[float, float, float]) -> float:
    """Millimetres of axial slices in which bone encloses an area of a brain's size and density."""
    return sum(shows_brain(image, spacing[1:]) for image in hu) * spacing[0]


def shows_brain(image: Array, spacing: tuple[float, float]) -> bool:
    """Whether bone encloses an area of a brain's size and density in one axial slice ``[y, x]``."""
    return brain_center(image, spacing) is not None


def brain_center(image: Array, spacing: tuple[float, float]) -> tuple[float, float] | None:
    """Row and column of the centre of that area; None without one."""
    rows, columns = (max(1, round(_STEP / size)) for size in spacing)
    high, wide = spacing[0] * rows, spacing[1] * columns
    image = _averaged(image, rows, columns)
    grow = max(1, round(_GAP / max(high, wide)))
    bone = np.pad(image > BONE_HU, grow + 1)
    pixel_cm2 = high * wide / 100.0
    if bone.sum() * pixel_cm2 < 1.0:
        return None
    shape = ndimage.iterate_structure(ndimage.generate_binary_structure(2, 1), grow)
    closed = ndimage.binary_closing(bone, shape)
    inside = (fill_holes(closed[None])[0] & ~closed)[grow + 1 : -grow - 1, grow + 1 : -grow - 1]
    regions, count = ndimage.label(inside)
    if count == 0:
        return None
    areas = np.bincount(regions.ravel())[1:] * pixel_cm2
    largest = regions == 1 + int(areas.argmax())
    brain = np.mean((image[largest] >= _BRAIN[0]) & (image[largest] <= _BRAIN[1]))
    if not _BRAIN_CM2[0] <= areas.max() <= _BRAIN_CM2[1] or brain < _BRAIN_SHARE:
        return None
    y, x = (float(along.mean()) for along in np.nonzero(largest))
    return (y + 0.5) * rows - 0.5, (x + 0.5) * columns - 0.5


def _averaged(image: Array, rows: int, columns: int) -> Array:
    """Means of blocks of ``rows`` x ``columns`` pixels; an incomplete last block is left out.

    Summed row by row, which took a sixth of the time of a mean over two axes at once.
    """
    high, wide = image.shape[0] // rows, image.shape[1] // columns
    blocks = image[: high * rows, : wide * columns].reshape(high, rows, wide * columns)
    lines = np.zeros((high, wide * columns), dtype=np.float32)
    for row in range(rows):
        lines += blocks[:, row]
    means = np.zeros((high, wide), dtype=np.float32)
    for column in range(columns):
        means += lines[:, column::columns]
    means /= np.float32(rows * columns)
    return means
