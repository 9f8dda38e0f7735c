"""Size, place and pieces of each organ of a label map.

Arrays are canonical ``[z, y, x]``; a centre in mm is along the grid's axes: up, back, left.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.preprocessing import Window
from hnseg_infer.volume import Geometry

_TOUCHING = np.ones((3, 3, 3))
"""Voxels that share a corner belong together: thin organs run diagonally from slice to slice."""


@dataclass(frozen=True)
class OrganMeasure:
    """One organ of one label map.

    center: centroid in voxels; center_mm: the same in mm from the first voxel. box: smallest one of voxels
    that holds the organ. at_border: whether that box reaches the image's edge. pieces: parts that do not even
    touch at a corner; outside_largest: voxels of all but the largest; stray_mm: gap between the boxes of the
    largest and the farthest piece, along the axis where it is widest.
    """

    id: int
    voxels: int
    volume_cm3: float
    center: tuple[float, float, float]
    center_mm: tuple[float, float, float]
    box: Window
    at_border: bool
    pieces: int
    outside_largest: int
    stray_mm: float


def measure_organs(
    labels: NDArray[np.uint8], geometry: Geometry, ids: Iterable[int]
) -> dict[int, OrganMeasure]:
    """What there is of these organs, by label value; one without voxels is left out."""
    wanted = set(ids)
    found = {}
    for value, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None or value not in wanted:
            continue
        mask = labels[box] == value
        voxels = int(np.count_nonzero(mask))
        z, y, x = (part.start + place for part, place in zip(box, ndimage.center_of_mass(mask), strict=True))
        step_z, step_y, step_x = geometry.spacing_zyx
        pieces, outside_largest, stray_mm = _pieces(mask, geometry.spacing_zyx)
        found[value] = OrganMeasure(
            id=value,
            voxels=voxels,
            volume_cm3=voxels * geometry.voxel_cm3,
            center=(float(z), float(y), float(x)),
            center_mm=(float(z * step_z), float(y * step_y), float(x * step_x)),
            box=box,
            at_border=any(
                part.start == 0 or part.stop == size for part, size in zip(box, labels.shape, strict=True)
            ),
            pieces=pieces,
            outside_largest=outside_largest,
            stray_mm=stray_mm,
        )
    return found


def _pieces(mask: NDArray[np.bool_], spacing_zyx: tuple[float, float, float]) -> tuple[int, int, float]:
    """Number of pieces, voxels outside the largest, and mm to the farthest (OrganMeasure.stray_mm)."""
    parts, count = ndimage.label(mask, _TOUCHING)
    if count == 1:
        return 1, 0, 0.0
    sizes = np.bincount(parts.ravel())[1:]
    boxes = ndimage.find_objects(parts)
    largest = boxes[int(sizes.argmax())]
    stray = max(_gap(largest, box, spacing_zyx) for box in boxes)
    return int(count), int(sizes.sum() - sizes.max()), stray


def _gap(first: Window, second: Window, spacing_zyx: tuple[float, float, float]) -> float:
    """Widest gap along an axis between two boxes in mm; 0 where they overlap on every axis."""
    gaps = [
        max(a.start - b.stop, b.start - a.stop, 0) * step
        for a, b, step in zip(first, second, spacing_zyx, strict=True)
    ]
    return float(max(gaps))
