"""Which planes of a labelled CT to show, and which part of them.

Axes: label arrays are ``[z, y, x]`` in canonical order (towards superior, posterior, patient left).
Positions in mm are index times spacing, so 0 is the centre of the first voxel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Array

Counts = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""For the axes z, y, x: an array [label value 0..255, plane] of voxel counts, background left out."""

AXIAL_PLANES = 3

AXIAL_GAP_MM = 14.0
"""Smallest distance of two axial planes; closer ones would show the same organs twice."""

TISSUE_HU = -300.0
"""Between lung or foam and any soft tissue: what is denser belongs to the patient (or the couch)."""

BODY_PROFILE = 0.05
"""Planes with less than this part of the fullest plane's tissue hold only couch, mask or hair."""


@dataclass(frozen=True)
class Planes:
    """Indices along z (from superior to inferior), y and x."""

    axial: tuple[int, ...]
    coronal: int
    sagittal: int


def count_by_plane(labels: Array) -> Counts:
    """How many voxels of each label value every plane holds."""
    positions = np.nonzero(labels)
    values = labels[positions].astype(np.int64)
    z, y, x = (
        np.bincount(values * size + position, minlength=256 * size).reshape(256, size)
        for position, size in zip(positions, labels.shape, strict=True)
    )
    return z, y, x


def choose_planes(counts: Counts, names: Mapping[int, str], slice_mm: float) -> Planes:
    """The planes that together show the organs best.

    names: organ by label value. slice_mm: distance of axial planes.

    The sagittal plane is the best one for the organs that have no side, if there are any, the
    coronal one the best for all. Each axial plane is then, at some distance from those before, the
    one that adds most to what the others show. Without labels: planes through the image centre
    and, axially, the quarters above and below.
    """
    z, y, x = (_shown(count) for count in counts)
    if not z.any():
        quarter = z.shape[1] / 4
        return Planes((int(3 * quarter), int(2 * quarter), int(quarter)), y.shape[1] // 2, x.shape[1] // 2)
    unpaired = [value for value, name in names.items() if not name.endswith(("_left", "_right"))]
    midline = x[unpaired] if x[unpaired].any() else x
    sagittal = int(midline.sum(axis=0).argmax())
    coronal = int(y.sum(axis=0).argmax())
    shown = np.maximum(x[:, sagittal], y[:, coronal])
    index, middle = np.arange(z.shape[1]), _mean_centroid(counts[0])
    free = np.ones(index.size, dtype=bool)
    axial: list[int] = []
    while len(axial) < AXIAL_PLANES and free.any():
        added = np.maximum(z - shown[:, None], 0.0).sum(axis=0)
        # Of planes that add nothing new, one that shows much again, and then one near the organs.
        value = added + 0.1 * z.sum(axis=0) - 1e-6 * np.abs(index - middle)
        axial.append(int(np.where(free, value, -np.inf).argmax()))
        shown = np.maximum(shown, z[:, axial[-1]])
        free &= np.abs(index - axial[-1]) * slice_mm >= AXIAL_GAP_MM
    return Planes(tuple(sorted(axial, reverse=True)), coronal, sagittal)


def _shown(count: NDArray[np.int64]) -> NDArray[np.float64]:
    """How well each plane shows each organ, 0 to 1: the ratio of its area to its largest one, as a length."""
    largest = count.max(axis=1, keepdims=True)
    return np.asarray(np.sqrt(count / np.maximum(largest, 1)))


def field_centre(
    hu: Array, counts: Counts, spacing: tuple[float, float, float], field: tuple[float, ...]
) -> tuple[float, float, float]:
    """Centre in mm (z, y, x) of a field of view of ``field`` mm that shows organs and head.

    Along z the mean of the organs' centroids; in-plane the middle of the tissue within half a
    field of it. The field is moved back into the image where it would leave it. Without labels it
    lies about the image's centre.
    """
    middle = [_mean_centroid(count) for count in counts]
    region = [_reach(middle[axis], field[axis] / 2 / spacing[axis]) for axis in range(3)]
    region[0] = _reach(middle[0], field[0] / 6 / spacing[0])
    tissue = hu[tuple(region)] > TISSUE_HU
    for axis in (1, 2):
        profile = tissue.sum(axis=tuple(other for other in range(3) if other != axis))
        body = np.flatnonzero(profile > BODY_PROFILE * profile.max())
        if body.size:
            middle[axis] = region[axis].start + (body[0] + body[-1]) / 2
    z, y, x = (
        _inside(middle[axis] * spacing[axis], field[axis], (hu.shape[axis] - 1) * spacing[axis])
        for axis in range(3)
    )
    return z, y, x


def _mean_centroid(count: NDArray[np.int64]) -> float:
    """Mean over organs of the centroid along one axis, so that a long cord weighs no more than a lens."""
    present = count[count.any(axis=1)]
    if not present.size:
        return float(count.shape[1] - 1) / 2
    return fmean((present @ np.arange(count.shape[1]) / present.sum(axis=1)).tolist())


def _reach(middle: float, reach: float) -> slice:
    return slice(max(0, round(middle - reach)), round(middle + reach) + 1)


def _inside(centre: float, field: float, extent: float) -> float:
    if field >= extent:
        return extent / 2
    return min(max(centre, field / 2), extent - field / 2)
