"""What there is to know about each organ of a label map: size, place, pieces, density.

Arrays are canonical ``[z, y, x]``.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.preprocessing import Window
from hnseg_infer.volume import Array, Geometry
from hnseg_train.cohort_check.findings import OrganFacts

_TOUCHING = np.ones((3, 3, 3))
"""Voxels that share a corner belong together: thin organs run diagonally from slice to slice."""


def measure_organs(
    labels: NDArray[np.uint8],
    geometry: Geometry,
    organs: Mapping[int, str],
    hu: Array | None,
    window: Window | None,
) -> list[OrganFacts]:
    """Facts on every organ that ``labels`` holds, by label value.

    hu: the CT on the same grid. window: the box of voxels that the 3D model sees.
    """
    facts = []
    for value, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        mask = labels[box] == value
        voxels = int(np.count_nonzero(mask))
        center = [part.start + place for part, place in zip(box, ndimage.center_of_mass(mask), strict=True)]
        x, y, z = (float(place) for place in geometry.position((center[0], center[1], center[2])))
        pieces, outside_largest, stray_mm = _pieces(mask, geometry.spacing_zyx)
        facts.append(
            OrganFacts(
                id=value,
                name=organs[value],
                voxels=voxels,
                volume_cm3=voxels * geometry.voxel_cm3,
                center_mm=(x, y, z),
                box=box,
                pieces=pieces,
                outside_largest=outside_largest,
                stray_mm=stray_mm,
                outside_window=None if window is None else voxels - _inside(mask, box, window),
                median_hu=None if hu is None else float(np.median(hu[box][mask])),
            )
        )
    return facts


def _inside(mask: NDArray[np.bool_], box: Window, window: Window) -> int:
    """Voxels of a mask, whose place in the image is ``box``, that lie in ``window``."""
    common = tuple(
        slice(max(seen.start - part.start, 0), max(seen.stop - part.start, 0))
        for part, seen in zip(box, window, strict=True)
    )
    return int(np.count_nonzero(mask[common]))


def _pieces(mask: NDArray[np.bool_], spacing_zyx: tuple[float, float, float]) -> tuple[int, int, float]:
    """Number of pieces, voxels outside the largest, and mm to the farthest (OrganFacts.stray_mm)."""
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
