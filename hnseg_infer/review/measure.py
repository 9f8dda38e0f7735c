"""Size, place and pieces of each organ of a label map.

Arrays are canonical ``[z, y, x]``; a centre in mm is along the grid's axes: up, back, left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.pieces import pieces
from hnseg_infer.preprocessing import Window
from hnseg_infer.volume import Geometry


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
        inside = np.nonzero(labels[box] == value)
        voxels = len(inside[0])
        z, y, x = (part.start + float(along.mean()) for part, along in zip(box, inside, strict=True))
        step_z, step_y, step_x = geometry.spacing_zyx
        count, outside_largest, stray_mm = _pieces(inside, labels[box].shape, geometry.spacing_zyx)
        found[value] = OrganMeasure(
            id=value,
            voxels=voxels,
            volume_cm3=voxels * geometry.voxel_cm3,
            center=(z, y, x),
            center_mm=(z * step_z, y * step_y, x * step_x),
            box=box,
            at_border=any(
                part.start == 0 or part.stop == size for part, size in zip(box, labels.shape, strict=True)
            ),
            pieces=count,
            outside_largest=outside_largest,
            stray_mm=stray_mm,
        )
    return found


def _pieces(
    inside: tuple[NDArray[np.intp], ...], shape: Sequence[int], spacing_zyx: tuple[float, float, float]
) -> tuple[int, int, float]:
    """Number of pieces, voxels outside the largest, and mm to the farthest (OrganMeasure.stray_mm)."""
    count, piece = pieces(inside, shape)
    if count == 1:
        return 1, 0, 0.0
    sizes = np.bincount(piece)
    largest = int(sizes.argmax())
    widest = 0.0
    # all pieces at once: a hopeless mask has hundreds of thousands
    for places, step in zip(inside, spacing_zyx, strict=True):
        first = np.full(count, np.iinfo(np.intp).max)
        behind = np.zeros(count, np.intp)
        np.minimum.at(first, piece, places)
        np.maximum.at(behind, piece, places + 1)
        gaps = np.maximum(first - behind[largest], first[largest] - behind)
        widest = max(widest, float(gaps.max()) * step)
    return count, len(piece) - int(sizes[largest]), widest
