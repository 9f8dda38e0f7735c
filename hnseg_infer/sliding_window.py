"""Tiles over an image: where they lie, how they are weighted, and how their logits become one label map.

Follows nnU-Net v2's predictor (tiles half a patch apart, Gaussian weights), so that a model gives the labels
that nnU-Net would give. Images are ``[z, y, x]``; patches are (z, y, x), or (y, x) for a 2D model, which sees
one slice after the other. Independent of the engine: a network is any function from one tile to its logits.

Weighted logits need no division by the summed weights, since only their arg-max is used. Tiles run from low
to high z, and planes that no later tile touches are labelled at once: the accumulator is one patch deep,
whatever the image.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, reduce
from itertools import count, pairwise, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from hnseg_infer.progress import TileProgress

STEP = 0.5
"""Largest distance between neighbouring tiles, as a fraction of the patch (nnU-Net's default)."""

GAUSSIAN_SIGMA = 1 / 8
"""Width of the importance map, as a fraction of the patch (nnU-Net)."""

GAUSSIAN_PEAK = 10.0
"""Largest weight in the importance map (nnU-Net)."""

Shape3 = tuple[int, int, int]
Network = Callable[[Tensor], Tensor]
"""From a float32 tile ``[z, y, x]`` to logits ``[class, z, y, x]`` on the same device."""


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


def pad_to_patch(image: Tensor, patch: Shape3) -> tuple[Tensor, tuple[slice, slice, slice]]:
    """Zeros around an image smaller than the patch, the odd voxel behind it; and where the image now lies."""
    missing = [max(size - extent, 0) for size, extent in zip(patch, image.shape, strict=True)]
    before = [size // 2 for size in missing]
    z, y, x = (slice(low, low + extent) for low, extent in zip(before, image.shape, strict=True))
    if any(missing):
        widths = [(low, size - low) for low, size in zip(before, missing, strict=True)]
        image = functional.pad(image, [width for pair in reversed(widths) for width in pair])
    return image, (z, y, x)


def label_tiles(
    network: Network,
    image: NDArray[np.float32],
    patch: Sequence[int],
    classes: int,
    device: torch.device,
    progress: TileProgress | None = None,
) -> NDArray[np.uint8]:
    """Arg-max label of every voxel of a normalised image ``[z, y, x]``, tile by tile on ``device``."""
    box = patch_3d(patch)
    padded, inner = pad_to_patch(torch.from_numpy(np.ascontiguousarray(image)).to(device), box)
    labels = torch.empty(padded.shape, dtype=torch.uint8, device=device)
    # a 2D model's tiles are one slice deep and never overlap along z
    starts_z = list(range(padded.shape[0])) if len(patch) == 2 else tile_starts(padded.shape[0], box[0])
    starts_yx = list(product(*(tile_starts(padded.shape[axis], box[axis]) for axis in (1, 2))))
    if progress is not None:
        network = _counted(network, len(starts_z) * len(starts_yx), progress)
    if len(starts_yx) == 1 and (len(patch) == 2 or len(starts_z) == 1):
        _label_alone(network, padded, box, starts_z, labels)
    else:
        weights = torch.from_numpy(gaussian_weights(tuple(patch)).reshape(box)).to(device)
        _label_overlapping(network, padded, weights, classes, starts_z, starts_yx, labels)
    return labels[inner].cpu().numpy()


def patch_3d(patch: Sequence[int]) -> Shape3:
    """A (z, y, x) patch as it is; a (y, x) patch as one slice deep."""
    z, y, x = (1, *patch) if len(patch) == 2 else patch
    return z, y, x


def _counted(network: Network, tiles: int, progress: TileProgress) -> Network:
    """The network, which says after each tile how many it has done."""
    done = count(1)
    progress(0, tiles)

    def counted(tile: Tensor) -> Tensor:
        logits = network(tile)
        progress(next(done), tiles)
        return logits

    return counted


def _label_alone(network: Network, image: Tensor, box: Shape3, starts_z: list[int], labels: Tensor) -> None:
    for z in starts_z:
        planes = slice(z, z + box[0])
        labels[planes] = _argmax(network(image[planes]))


def _label_overlapping(
    network: Network,
    image: Tensor,
    weights: Tensor,
    classes: int,
    starts_z: list[int],
    starts_yx: list[tuple[int, ...]],
    labels: Tensor,
) -> None:
    depth, height, width = weights.shape
    # plane z of the image lives in plane z % depth of the accumulator
    sums = torch.zeros((classes, depth, *image.shape[1:]), dtype=torch.float32, device=image.device)
    for z, next_z in pairwise([*starts_z, image.shape[0]]):
        for y, x in starts_yx:
            rows, columns = slice(y, y + height), slice(x, x + width)
            logits = network(image[z : z + depth, rows, columns])
            for ring, tile in _ring_parts(z, depth, depth):
                sums[:, ring, rows, columns].addcmul_(logits[:, tile].float(), weights[tile])
        for ring, finished in _ring_parts(z, next_z - z, depth):
            labels[z + finished.start : z + finished.stop] = _argmax(sums[:, ring])
            sums[:, ring] = 0


def _ring_parts(start: int, count: int, depth: int) -> Iterator[tuple[slice, slice]]:
    """Planes start .. start + count (at most ``depth``): where in the ring, and which of the count."""
    first = start % depth
    head = min(count, depth - first)
    yield slice(first, first + head), slice(0, head)
    if count > head:
        yield slice(0, count - head), slice(head, count)


def _argmax(logits: Tensor) -> Tensor:
    """Label ``[z, y, x]`` of the largest logit; on a CPU ``max`` is much faster than ``argmax``."""
    return logits.max(dim=0).indices.to(torch.uint8)
