"""Pose, size and shape in one resampling: the CT by slabs of planes, each organ in its own box.

Arrays are ``[z, y, x]``; HU in float32. Interpolation is linear. Outside the image there is air; below it,
the lowest slice goes on for a little first, as a neck does.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.preprocessing import body_mask
from hnseg_infer.volume import Geometry, Volume
from hnseg_train.variation.deform_labels import deform_labels
from hnseg_train.variation.deformation import Deformation, output_spacing, source_indices
from hnseg_train.variation.sampling import sample_linear, within

AIR_HU = -1000.0

GOES_ON_MM = 12.0
"""How far the lowest slice is continued; a head that a scan cuts off at the top would grow a hat."""

MISSING = 0.04
"""Of the body in a plane: planes that miss more are not in view."""

SLAB_PLANES = 8
"""Planes that are resampled at a time: few enough for their coordinates to take little memory."""


def deform(
    ct: Volume, labels: NDArray[np.uint8], *, deformation: Deformation
) -> tuple[Volume, NDArray[np.uint8]]:
    """CT and labels deformed, on a grid of the same shape, slice distance and middle."""
    geometry = ct.geometry
    image = np.ascontiguousarray(ct.array, np.float32)
    array = np.full(geometry.shape, AIR_HU, np.float32)
    for start in range(0, geometry.shape[0], SLAB_PLANES):
        planes = slice(start, min(start + SLAB_PLANES, geometry.shape[0]))
        indices = source_indices(geometry, deformation, (planes, slice(None), slice(None)))
        sampled = sample_linear(image[None], indices)[0]
        np.copyto(array[planes], sampled, where=_in_image(indices, geometry))
    result = Volume(array, _output_geometry(geometry, deformation))

    def visible(indices: NDArray[np.float32]) -> NDArray[np.bool_]:
        return _in_image(indices, geometry)

    return result, deform_labels(labels, geometry, deformation=deformation, visible=visible)


def planes_in_view(ct: Volume, *, deformation: Deformation) -> slice:
    """The planes of the deformed image from the first to the last in which (almost) nothing of the body is
    missing because the given image ended below or above it.
    """
    mask, steps = body_mask(ct.array, ct.geometry.spacing_zyx)
    window = (slice(None), slice(None, None, steps[0]), slice(None, None, steps[1]))
    indices = source_indices(ct.geometry, deformation, window)
    # the body as it would go on beyond the image
    nearest = [
        np.rint(index / step).astype(np.int64) for index, step in zip(indices, (1, *steps), strict=True)
    ]
    z, y, x = (np.clip(index, 0, size - 1) for index, size in zip(nearest, mask.shape, strict=True))
    body = mask[z, y, x] & (y == nearest[1]) & (x == nearest[2])
    missing = (body & ~_in_scan(indices, ct.geometry)).sum(axis=(1, 2)) > MISSING * body.sum(axis=(1, 2))
    whole = np.flatnonzero(~missing)
    return slice(int(whole[0]), int(whole[-1]) + 1) if whole.size else slice(0, len(missing))


def _in_scan(indices: NDArray[np.float32], geometry: Geometry) -> NDArray[np.bool_]:
    """Which places lie between the scan's ends along z, or where the neck goes on."""
    return within(indices[0], geometry.shape[0], GOES_ON_MM / geometry.spacing[2], 0.5)


def _in_image(indices: NDArray[np.float32], geometry: Geometry) -> NDArray[np.bool_]:
    _, height, width = geometry.shape
    seen = _in_scan(indices, geometry)
    # half a voxel belongs to the outermost centres
    seen &= within(indices[1], height, 0.5, 0.5)
    seen &= within(indices[2], width, 0.5, 0.5)
    return seen


def _output_geometry(geometry: Geometry, deformation: Deformation) -> Geometry:
    """The grid with the drawn pixel size; the middle of each plane stays where it was."""
    z, y, x = output_spacing(geometry, deformation.field)
    _, height, width = geometry.shape
    shift = (1 - deformation.field) / 2
    first = geometry.position((0.0, shift * (height - 1), shift * (width - 1)))
    return replace(geometry, spacing=(x, y, z), origin=(float(first[0]), float(first[1]), float(first[2])))
