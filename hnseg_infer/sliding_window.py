"""Tiles over an image: where they lie, how they are weighted, and how their logits become one label map.

Follows nnU-Net v2's predictor (tiles half a patch apart, Gaussian weights), so that a model gives the labels
that nnU-Net would give. Images are ``[z, y, x]``; patches are (z, y, x), or (y, x) for a 2D model, which sees
one slice after the other. Independent of the engine, which brings the network and the arrays.

Weighted logits need no division by the summed weights, since only their arg-max is used. Tiles run from low
to high z, and planes that no later tile touches are labelled at once: the accumulator is one patch deep,
whatever the image.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from itertools import product
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.preprocessing import Window
from hnseg_infer.progress import TileProgress

STEP = 0.5
"""Largest distance between neighbouring tiles, as a fraction of the patch (nnU-Net's default)."""

GAUSSIAN_SIGMA = 1 / 8
"""Width of the importance map, as a fraction of the patch (nnU-Net)."""

GAUSSIAN_PEAK = 10.0
"""Largest weight in the importance map (nnU-Net)."""

Shape3 = tuple[int, int, int]
DType = Literal["float32", "uint8"]


class TileNetwork(Protocol):
    """A network on one device. Its arrays are numpy's or tensors of the device's library, indexed alike."""

    def upload(self, image: NDArray[np.float32]) -> Any:
        """The image ``[z, y, x]`` as an array of the device."""

    def zeros(self, shape: Sequence[int], dtype: DType) -> Any:
        """An array of zeros on the device."""

    def labels(self, tile: Any) -> Any:
        """From an image tile ``[z, y, x]`` to the class of the largest logit, uint8 ``[z, y, x]``."""

    def weighted_logits(self, tile: Any) -> Any:
        """From an image tile ``[z, y, x]`` to its logits times ``gaussian_weights``, ``[z, y, x, class]``."""

    def argmax(self, sums: Any) -> Any:
        """From sums ``[z, y, x, class]`` to the class of the largest, uint8 ``[z, y, x]``."""

    def download(self, labels: Any) -> NDArray[np.uint8]:
        """An array of labels of the device as numpy's."""


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


def label_tiles(
    network: TileNetwork,
    image: NDArray[np.float32],
    patch: Sequence[int],
    classes: int,
    region: Window | None = None,
    progress: TileProgress | None = None,
) -> NDArray[np.uint8]:
    """Arg-max label of every voxel of a normalised image ``[z, y, x]``, tile by tile.

    region: tiles outside this box of the image are left out, and labels outside it are 0.
    """
    box = patch_3d(patch)
    padded, inner = pad_to_patch(image, box)
    wanted = [
        slice(place.start + part.start, place.start + part.stop)
        for place, part in zip(inner, region or _whole(image), strict=True)
    ]
    # a 2D model's tiles are one slice deep and never overlap along z
    every_z = list(range(padded.shape[0])) if len(patch) == 2 else tile_starts(padded.shape[0], box[0])
    every_y, every_x = (tile_starts(padded.shape[axis], box[axis]) for axis in (1, 2))
    alone = len(every_y) == len(every_x) == 1 and (len(patch) == 2 or len(every_z) == 1)
    starts_z, starts_y, starts_x = (
        [start for start in every if start + size > part.start and start < part.stop]
        for every, size, part in zip((every_z, every_y, every_x), box, wanted, strict=True)
    )
    starts_yx = list(product(starts_y, starts_x))
    tiles = _counted(len(starts_z) * len(starts_yx), progress)
    next(tiles)
    device_image = network.upload(padded)
    labels = network.zeros(padded.shape, "uint8")
    if alone:
        for z in starts_z:
            planes = slice(z, z + box[0])
            labels[planes] = network.labels(device_image[planes])
            next(tiles)
    else:
        _label_overlapping(network, device_image, box, classes, starts_z, starts_yx, labels, tiles)
    result = np.zeros(padded.shape, dtype=np.uint8)
    box_wanted = tuple(wanted)
    result[box_wanted] = network.download(labels[box_wanted])
    return result[inner]


def patch_3d(patch: Sequence[int]) -> Shape3:
    """A (z, y, x) patch as it is; a (y, x) patch as one slice deep."""
    z, y, x = (1, *patch) if len(patch) == 2 else patch
    return z, y, x


def _whole(image: NDArray[Any]) -> Window:
    z, y, x = (slice(0, extent) for extent in image.shape)
    return z, y, x


def _counted(tiles: int, progress: TileProgress | None) -> Iterator[None]:
    """To be advanced before the first tile and after each: says how many are done."""
    for done in range(tiles + 1):
        if progress is not None:
            progress(done, tiles)
        yield


def _label_overlapping(
    network: TileNetwork,
    image: Any,
    box: Shape3,
    classes: int,
    starts_z: list[int],
    starts_yx: list[tuple[int, int]],
    labels: Any,
    tiles: Iterator[None],
) -> None:
    depth, height, width = box
    # plane z of the image lives in plane z % depth of the accumulator
    sums = network.zeros((depth, *image.shape[1:], classes), "float32")
    for z, next_z in zip(starts_z, [*starts_z[1:], *(z + depth for z in starts_z[-1:])], strict=True):
        for y, x in starts_yx:
            rows, columns = slice(y, y + height), slice(x, x + width)
            logits = network.weighted_logits(image[z : z + depth, rows, columns])
            for ring, tile in _ring_parts(z, depth, depth):
                sums[ring, rows, columns] += logits[tile]
            next(tiles)
        for ring, finished in _ring_parts(z, next_z - z, depth):
            labels[z + finished.start : z + finished.stop] = network.argmax(sums[ring])
            sums[ring] = 0


def _ring_parts(start: int, count: int, depth: int) -> Iterator[tuple[slice, slice]]:
    """Planes start .. start + count (at most ``depth``): where in the ring, and which of the count."""
    first = start % depth
    head = min(count, depth - first)
    yield slice(first, first + head), slice(0, head)
    if count > head:
        yield slice(0, count - head), slice(head, count)
