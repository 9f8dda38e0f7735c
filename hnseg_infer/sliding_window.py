"""A network over the tiles of an image: to one label map, or to class probabilities.

Images are ``[z, y, x]``; patches are (z, y, x), or (y, x) for a 2D model. Independent of the engine, which
brings the network and the arrays.

For labels, weighted logits need no division by the summed weights, since only their arg-max is used. Tiles
run from low to high z, and planes that no later tile touches are labelled at once: the accumulator is one
patch deep, whatever the image.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hnseg_infer.preprocessing import Window
from hnseg_infer.progress import TileProgress
from hnseg_infer.tiling import Shape3, gaussian_weights, plan_tiles

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

    def download(self, array: Any) -> NDArray[Any]:
        """An array of the device as numpy's."""


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
    plan = plan_tiles(image, patch, region)
    tiles = _counted(len(plan.starts_z) * len(plan.starts_yx), progress)
    next(tiles)
    device_image = network.upload(plan.padded)
    labels = network.zeros(plan.padded.shape, "uint8")
    if plan.alone:
        for z in plan.starts_z:
            planes = slice(z, z + plan.box[0])
            labels[planes] = network.labels(device_image[planes])
            next(tiles)
    else:
        _label_overlapping(
            network, device_image, plan.box, classes, plan.starts_z, plan.starts_yx, labels, tiles
        )
    result = np.zeros(plan.padded.shape, dtype=np.uint8)
    result[plan.wanted] = network.download(labels[plan.wanted])
    return result[plan.inner]


def class_probabilities(
    network: TileNetwork,
    image: NDArray[np.float32],
    patch: Sequence[int],
    classes: int,
    region: Window | None = None,
    progress: TileProgress | None = None,
) -> NDArray[np.float32]:
    """Softmax of the tiles' averaged logits, ``[z, y, x, class]``, all at once: for small images.

    region: as in ``label_tiles``; outside it all is background.
    """
    plan = plan_tiles(image, patch, region)
    tiles = _counted(len(plan.starts_z) * len(plan.starts_yx), progress)
    next(tiles)
    device_image = network.upload(plan.padded)
    sums = network.zeros((*plan.padded.shape, classes), "float32")
    covered = np.zeros(plan.padded.shape, np.float32)
    weights = gaussian_weights(tuple(patch)).reshape(plan.box)
    for z, (y, x) in product(plan.starts_z, plan.starts_yx):
        tile = tuple(slice(low, low + size) for low, size in zip((z, y, x), plan.box, strict=True))
        sums[tile] += network.weighted_logits(device_image[tile])
        covered[tile] += weights
        next(tiles)
    result = np.zeros((*plan.padded.shape, classes), np.float32)
    result[..., 0] = 1.0
    logits = network.download(sums[plan.wanted]) / covered[plan.wanted][..., None]
    result[plan.wanted] = special.softmax(logits, axis=-1)
    return result[plan.inner]


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
