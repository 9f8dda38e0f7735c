"""Labels through a deformation: every organ a smooth shape of the volume that it should have.

Arrays are ``[z, y, x]``. Distances to an organ's surface are interpolated (shape-based interpolation, Raya
and Udupa 1990, IEEE TMI 9), since masks of slices that lie 3 mm apart would come out in steps.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.volume import Geometry
from hnseg_train.variation.deformation import Deformation, source_indices
from hnseg_train.variation.landmarks import label_boxes
from hnseg_train.variation.sampling import sample_linear

Box = tuple[slice, slice, slice]

SEARCH_MM = 4.0
"""Distance of the places that tell where an organ went."""

SURFACE_MM = (-1.5, 0.4)
"""How far the surface is moved at most (inwards > 0) to give the organ its volume; touching ones stay so."""

_MARGIN = 2
"""Voxels around an organ that its distances are known in."""


def deform_labels(
    labels: NDArray[np.uint8],
    geometry: Geometry,
    *,
    deformation: Deformation,
    visible: Callable[[NDArray[np.float32]], NDArray[np.bool_]],
) -> NDArray[np.uint8]:
    """Labels of the deformed image.

    Small organs go first and larger ones get their volume from what is left: a lens keeps its own in the eye.
    visible: of input indices ``[3, z, y, x]``, where the image shows anything. An organ of half a voxel or
    more keeps at least one.
    """
    result = np.zeros(labels.shape, np.uint8)
    step = [max(1, int(SEARCH_MM / mm)) for mm in geometry.spacing_zyx]
    search = source_indices(geometry, deformation, tuple(slice(None, None, n) for n in step))
    boxes, sizes = label_boxes(labels), np.bincount(labels.ravel(), minlength=256)
    for value in sorted(boxes, key=lambda value: int(sizes[value])):
        box = boxes[value]
        window = _reached(search, step, box, geometry)
        if window is None:
            continue
        near = tuple(
            slice(max(part.start - _MARGIN, 0), min(part.stop + _MARGIN, size))
            for part, size in zip(box, labels.shape, strict=True)
        )
        inside = labels[near] == value
        indices = source_indices(geometry, deformation, window)
        seen = visible(indices)
        for index, part in zip(indices, near, strict=True):
            index -= part.start
        shapes = np.stack([inside.astype(np.float32), _depth(inside, geometry)])
        share, depth = sample_linear(shapes, indices)
        depth[~seen | (result[window] > 0)] = -np.inf
        result[window][depth > _surface(depth, float(share[seen].sum()))] = value
    return result


def _reached(search: NDArray[np.float32], step: list[int], box: Box, geometry: Geometry) -> Box | None:
    """The part of the output whose voxels may come from a box of the input; None when it left the image."""
    near = np.ones(search.shape[1:], bool)
    for axis, (part, mm) in enumerate(zip(box, geometry.spacing_zyx, strict=True)):
        # more than half the diagonal of a search cell, enlarged by the strongest scaling
        margin = 1 + 1.5 * SEARCH_MM / mm
        # what touches the border of the image goes on beyond it
        low = -np.inf if part.start == 0 else part.start - margin
        high = np.inf if part.stop == geometry.shape[axis] else part.stop + margin
        near &= (search[axis] > low) & (search[axis] < high)
    found = np.nonzero(near)
    if not found[0].size:
        return None
    z, y, x = (
        slice(max((int(axis.min()) - 1) * n, 0), min((int(axis.max()) + 1) * n + 1, size))
        for axis, n, size in zip(found, step, geometry.shape, strict=True)
    )
    return z, y, x


def _depth(inside: NDArray[np.bool_], geometry: Geometry) -> NDArray[np.float32]:
    """Signed distance in mm: how deep a voxel lies in a mask, negative outside."""
    spacing = geometry.spacing_zyx
    # a whole image of one organ has no outside to measure from
    if inside.all():
        return np.full(inside.shape, min(spacing), np.float32)
    inner = ndimage.distance_transform_edt(inside, spacing)
    outer = ndimage.distance_transform_edt(~inside, spacing)
    depth: NDArray[np.float32] = (inner - outer).astype(np.float32)
    return depth


def _surface(depth: NDArray[np.float32], voxels: float) -> float:
    """The depth that about ``voxels`` voxels exceed, near 0; below the deepest where half a voxel is due."""
    wanted = min(round(voxels), depth.size - 1)
    if wanted == 0:
        return 0.0
    level = float(np.partition(depth.ravel(), -wanted - 1)[-wanted - 1])
    level = float(np.clip(level, *SURFACE_MM))
    return min(level, float(np.nextafter(depth.max(), -np.inf, dtype=np.float32)))
