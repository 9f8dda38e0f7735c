"""Where tiles lie over an image, and how they are weighted: nnU-Net v2's rules.

Tiles are half a patch apart with Gaussian weights, so that a model gives the labels that nnU-Net would give.
Images are ``[z, y, x]``; patches are (z, y, x), or (y, x) for a 2D model, which sees slice after slice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.preprocessing import Window

STEP = 0.5
"""Largest distance between neighbouring tiles, as a fraction of the patch (nnU-Net's default)."""

GAUSSIAN_SIGMA = 1 / 8
"""Width of the importance map, as a fraction of the patch (nnU-Net)."""

GAUSSIAN_PEAK = 10.0
"""Largest weight in the importance map (nnU-Net)."""

Shape3 = tuple[int, int, int]


def tile_starts(extent: int, tile: int) -> list[int]:
    """First voxel of each tile along an axis of at least ``tile`` voxels: even steps, half a tile at most."""
    room = extent - tile
    steps = math.ceil(room / (tile * STEP))
    # numpy's rounding (half to even) is part of nnU-Net's rule
    return [int(np.round(room / steps * index)) for index in range(steps + 1)] if steps else [0]


@lru_cache(maxsize=4)
def gaussian_weights(patch: tuple[int, ...]) -> NDArray[np.float32]:
    """Importance of each voxel of a tile: a Gaussian around voxel ``patch // 2``, 10 at its peak, never 0."""
    weights: NDArray[Any] = reduce(np.multiply.outer, (_blurred_impulse(size) for size in patch))
    scaled: NDArray[np.float32] = (weights * (GAUSSIAN_PEAK / weights.max())).astype(np.float32)
    scaled[scaled == 0] = scaled[scaled > 0].min()
    return scaled


def _blurred_impulse(size: int) -> NDArray[np.float64]:
    """One axis of the importance map: a Gaussian is the product of its axes, so no 3D filter is needed."""
    impulse = np.zeros(size)
    impulse[size // 2] = 1.0
    blurred: NDArray[np.float64] = ndimage.gaussian_filter1d(impulse, size * GAUSSIAN_SIGMA, mode="constant")
    return blurred


def pad_to_patch(image: NDArray[np.float32], patch: Shape3) -> tuple[NDArray[np.float32], Window]:
    """Zeros around an image smaller than the patch, the odd voxel behind it; and where the image now lies."""
    missing = [max(size - extent, 0) for size, extent in zip(patch, image.shape, strict=True)]
    before = [size // 2 for size in missing]
    z, y, x = (slice(low, low + extent) for low, extent in zip(before, image.shape, strict=True))
    if any(missing):
        image = np.pad(image, [(low, size - low) for low, size in zip(before, missing, strict=True)])
    return image, (z, y, x)


def patch_3d(patch: Sequence[int]) -> Shape3:
    """A (z, y, x) patch as it is; a (y, x) patch as one slice deep."""
    z, y, x = (1, *patch) if len(patch) == 2 else patch
    return z, y, x


@dataclass(frozen=True)
class TilePlan:
    """The padded image, where the image and its region lie in it, and the tiles that touch the region.

    alone: the tiles of an image do not overlap.
    """

    padded: NDArray[np.float32]
    box: Shape3
    inner: Window
    wanted: Window
    starts_z: list[int]
    starts_yx: list[tuple[int, int]]
    alone: bool


def plan_tiles(image: NDArray[np.float32], patch: Sequence[int], region: Window | None) -> TilePlan:
    """The tiles of an image that touch the region, a box of it; all of them without one."""
    box = patch_3d(patch)
    padded, inner = pad_to_patch(image, box)
    z, y, x = (
        slice(place.start + part.start, place.start + part.stop)
        for place, part in zip(inner, region or _whole(image), strict=True)
    )
    # a 2D model's tiles are one slice deep and never overlap along z
    every_z = list(range(padded.shape[0])) if len(patch) == 2 else tile_starts(padded.shape[0], box[0])
    every_y, every_x = (tile_starts(padded.shape[axis], box[axis]) for axis in (1, 2))
    alone = len(every_y) == len(every_x) == 1 and (len(patch) == 2 or len(every_z) == 1)
    starts_z, starts_y, starts_x = (
        [start for start in every if start + size > part.start and start < part.stop]
        for every, size, part in zip((every_z, every_y, every_x), box, (z, y, x), strict=True)
    )
    starts_yx = list(product(starts_y, starts_x))
    return TilePlan(padded, box, inner, (z, y, x), starts_z, starts_yx, alone)


def _whole(image: NDArray[Any]) -> Window:
    z, y, x = (slice(0, extent) for extent in image.shape)
    return z, y, x
