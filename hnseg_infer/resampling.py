"""To a model's own spacing and back: the CT anti-aliased, each organ by itself inside its own box.

Arrays are ``[z, y, x]``, spacings mm in z, y, x order. Grids are aligned by their outer edges, and the number
of voxels is rounded, so that a voxel may be a little off the spacing asked for.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.class_maps import RankedMap
from hnseg_infer.volume import Array

Shape3 = tuple[int, int, int]
Spacing = tuple[float, float, float]


LEAST_LEAD = 2.0**-12
"""Of a voxel's likeliest class, where the next is as likely in half precision."""


def shape_at(shape: Sequence[int], spacing: Spacing, wanted: Spacing) -> Shape3:
    """Voxels of the grid with about the wanted spacing over the same extent; one at least along each axis."""
    z, y, x = (max(1, round(size * old / new)) for size, old, new in zip(shape, spacing, wanted, strict=True))
    return z, y, x


def resample(image: Array, shape: Shape3) -> NDArray[np.float32]:
    """The image on a grid of another shape: linear interpolation, on the way down over all it stands for."""
    result = image.astype(np.float32, copy=False)
    # the axis that shrinks most goes first: what follows has less to do
    for axis in sorted(range(3), key=lambda axis: shape[axis] / image.shape[axis]):
        if shape[axis] != image.shape[axis]:
            result = _apply(axis_weights(image.shape[axis], shape[axis]), result, axis)
    return result


def axis_weights(given: int, wanted: int) -> NDArray[np.float32]:
    """``[wanted, given]``: the share of each given voxel in each wanted one along an axis; rows add up to 1.

    A triangle around the wanted voxel's centre, as wide as the coarser grid's voxels to either side.
    """
    step = given / wanted
    centers = (np.arange(wanted) + 0.5) * step - 0.5
    distances = np.abs(np.arange(given)[None] - centers[:, None])
    weights = np.maximum(0.0, 1.0 - distances / max(step, 1.0))
    # beyond the outermost centres there is only one side
    shares: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def organ_labels(ranked: RankedMap, shape: Shape3) -> NDArray[np.uint8]:
    """Class of every voxel of a grid of another shape, from the likeliest classes of every voxel.

    A voxel gets the class whose lead over the best other class, interpolated, is positive: at most one is.
    Each organ is interpolated inside the box that it can reach, never all classes over the whole image.
    """
    classes, probabilities = ranked.classes, ranked.probabilities
    best = classes[..., 0]
    weights = [axis_weights(given, wanted) for given, wanted in zip(best.shape, shape, strict=True)]
    labels = np.zeros(shape, np.uint8)
    for organ, occupied in _occupied(best):
        fine, coarse, parts = _box(occupied, weights)
        shares = probabilities[coarse].astype(np.float32)
        # where the organ is the best, its lead is over the second best; elsewhere it is behind the best
        leader = best[coarse] == organ
        own = np.where(classes[coarse] == organ, shares, 0).sum(axis=-1)
        lead = own - np.where(leader, shares[..., 1], shares[..., 0])
        lead[leader] = np.maximum(lead[leader], LEAST_LEAD)
        for axis, part in enumerate(parts):
            lead = _apply(part, lead, axis)
        labels[fine][lead > 0] = organ
    return labels


def resample_labels(labels: NDArray[np.uint8], shape: Shape3) -> NDArray[np.uint8]:
    """Labels on a grid of another shape: each voxel gets the value that most of what it stands for has."""
    weights = [axis_weights(given, wanted) for given, wanted in zip(labels.shape, shape, strict=True)]
    result, largest = np.zeros(shape, np.uint8), np.ones(shape, np.float32)
    shares = []
    for value, occupied in _occupied(labels):
        fine, coarse, parts = _box(occupied, weights)
        share = (labels[coarse] == value).astype(np.float32)
        for axis, part in enumerate(parts):
            share = _apply(part, share, axis)
        shares.append((value, fine, share))
        largest[fine] -= share
    for value, fine, share in shares:
        # ``largest`` holds the background's share at first
        wins = share > largest[fine]
        result[fine][wins] = value
        largest[fine][wins] = share[wins]
    return result


def _occupied(labels: NDArray[np.uint8]) -> list[tuple[int, tuple[slice, ...]]]:
    """Each value above 0 and its bounding box."""
    boxes = ndimage.find_objects(labels)
    return [(value, box) for value, box in enumerate(boxes, start=1) if box is not None]


def _box(
    occupied: Sequence[slice], weights: Sequence[NDArray[np.float32]]
) -> tuple[tuple[slice, ...], tuple[slice, ...], list[NDArray[np.float32]]]:
    """What a box reaches on the other grid, what of its own grid that depends on, and the weights between."""
    fine, coarse, parts = [], [], []
    for place, matrix in zip(occupied, weights, strict=True):
        rows = _span(matrix[:, place].max(axis=1) > 0)
        columns = _span(matrix[rows].max(axis=0) > 0)
        fine.append(rows)
        coarse.append(columns)
        parts.append(matrix[rows, columns])
    return tuple(fine), tuple(coarse), parts


def _span(chosen: NDArray[np.bool_]) -> slice:
    """From the first to the last that is chosen."""
    where = np.flatnonzero(chosen)
    return slice(int(where[0]), int(where[-1]) + 1)


def _apply(matrix: NDArray[np.float32], image: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    moved = np.moveaxis(image, axis, -1)
    result: NDArray[np.float32] = np.moveaxis(moved @ matrix.T, -1, axis)
    return result
