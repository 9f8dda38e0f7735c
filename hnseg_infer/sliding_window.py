"""A network over the tiles of an image: to the class of every voxel, or to its likeliest few.

Images are ``[z, y, x]``; patches are (z, y, x), or (y, x) for a 2D model. Independent of the engine, which
brings the network and the arrays.

For labels, weighted logits need no division by the summed weights, since only their arg-max is used. Tiles
run from low to high z, and planes that no later tile touches are finished at once: the accumulator is one
patch deep, whatever the image.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.class_maps import RANKS, ClassMap, RankedMap, mean_by_class
from hnseg_infer.preprocessing import Window
from hnseg_infer.progress import TileProgress
from hnseg_infer.tiling import TilePlan, plan_tiles

DType = Literal["float32", "float16", "uint8"]


class TileNetwork(Protocol):
    """A network on one device. Its arrays are numpy's or tensors of the device's library, indexed alike."""

    @property
    def weights(self) -> Any:
        """``gaussian_weights`` ``[z, y, x]``."""

    def upload(self, image: NDArray[np.float32]) -> Any:
        """The image ``[z, y, x]`` as an array of the device."""

    def zeros(self, shape: Sequence[int], dtype: DType) -> Any:
        """An array of zeros on the device."""

    def labels(self, tile: Any) -> tuple[Any, Any]:
        """The class of the largest logit, uint8 ``[z, y, x]``, and the logits ``[z, y, x, class]``.

        Both may be overwritten by the next tile.
        """

    def weighted_logits(self, tile: Any) -> Any:
        """From an image tile ``[z, y, x]`` to its logits times ``weights``, ``[z, y, x, class]``."""

    def argmax(self, sums: Any) -> Any:
        """From sums ``[z, y, x, class]`` to the class of the largest, uint8 ``[z, y, x]``."""

    def entropy(self, logits: Any, labels: Any, covered: Any = None) -> Any:
        """Bits ``[z, y, x]`` of the logits, divided by ``covered``; anything where the label is 0."""

    def ranked(self, logits: Any, covered: Any = None) -> tuple[Any, Any]:
        """``class_maps.ranked`` on the device."""

    def download(self, array: Any) -> NDArray[Any]:
        """An array of the device as numpy's."""


def label_tiles(
    network: TileNetwork,
    image: NDArray[np.float32],
    patch: Sequence[int],
    classes: int,
    region: Window | None = None,
    progress: TileProgress | None = None,
) -> ClassMap:
    """Arg-max label of every voxel of a normalised image ``[z, y, x]``, tile by tile, and its entropy.

    region: tiles outside this box of the image are left out, and labels outside it are 0.
    """
    plan = plan_tiles(image, patch, region)
    labels = network.zeros(plan.padded.shape, "uint8")
    bits = network.zeros(plan.padded.shape, "float16")
    for part in _parts(network, plan, classes, progress):
        found = network.argmax(part.logits) if part.labels is None else part.labels
        labels[part.planes] = found
        bits[part.planes] = network.entropy(part.logits, found, part.covered)
    result = np.zeros(plan.padded.shape, np.uint8)
    result[plan.wanted] = network.download(labels[plan.wanted])
    entropy = mean_by_class(result[plan.wanted], network.download(bits[plan.wanted]), classes)
    return ClassMap(result[plan.inner], entropy)


def rank_tiles(
    network: TileNetwork,
    image: NDArray[np.float32],
    patch: Sequence[int],
    classes: int,
    region: Window | None = None,
    progress: TileProgress | None = None,
) -> RankedMap:
    """The likeliest classes of every voxel by the softmax of the tiles' averaged logits; entropy included.

    region: as in ``label_tiles``; outside it all is background.
    """
    plan = plan_tiles(image, patch, region)
    shape = (*plan.padded.shape, min(RANKS, classes))
    order, shares = network.zeros(shape, "uint8"), network.zeros(shape, "float16")
    bits = network.zeros(plan.padded.shape, "float16")
    for part in _parts(network, plan, classes, progress):
        order[part.planes], shares[part.planes] = network.ranked(part.logits, part.covered)
        bits[part.planes] = network.entropy(part.logits, order[part.planes][..., 0], part.covered)
    ranks, probabilities = np.zeros(shape, np.uint8), np.zeros(shape, np.float16)
    probabilities[..., 0] = 1
    ranks[plan.wanted] = network.download(order[plan.wanted])
    probabilities[plan.wanted] = network.download(shares[plan.wanted])
    entropy = mean_by_class(ranks[plan.wanted][..., 0], network.download(bits[plan.wanted]), classes)
    return RankedMap(ranks[plan.inner], probabilities[plan.inner], entropy)


class _Part(NamedTuple):
    """Finished planes of the padded image. covered: what the logits were multiplied by, None for nothing."""

    planes: slice
    logits: Any
    labels: Any
    covered: Any


def _parts(
    network: TileNetwork, plan: TilePlan, classes: int, progress: TileProgress | None
) -> Iterator[_Part]:
    parts = _tiles_alone if plan.alone else _tiles_overlapping
    return parts(network, plan, classes, progress)


def _tiles_alone(
    network: TileNetwork, plan: TilePlan, classes: int, progress: TileProgress | None
) -> Iterator[_Part]:
    """Tiles that do not meet."""
    image = network.upload(plan.padded)
    tiles = _counted(len(plan.starts_z), progress)
    next(tiles)
    for z in plan.starts_z:
        planes = slice(z, z + plan.box[0])
        labels, logits = network.labels(image[planes])
        yield _Part(planes, logits, labels, None)
        next(tiles)


def _tiles_overlapping(
    network: TileNetwork, plan: TilePlan, classes: int, progress: TileProgress | None
) -> Iterator[_Part]:
    image = network.upload(plan.padded)
    tiles = _counted(len(plan.starts_z) * len(plan.starts_yx), progress)
    next(tiles)
    depth, height, width = plan.box
    # plane z of the image lives in plane z % depth of the accumulators
    sums = network.zeros((depth, *plan.padded.shape[1:], classes), "float32")
    covered = network.zeros((depth, *plan.padded.shape[1:]), "float32")
    ends = [*plan.starts_z[1:], *(z + depth for z in plan.starts_z[-1:])]
    for z, next_z in zip(plan.starts_z, ends, strict=True):
        for y, x in plan.starts_yx:
            rows, columns = slice(y, y + height), slice(x, x + width)
            logits = network.weighted_logits(image[z : z + depth, rows, columns])
            for ring, tile in _ring_parts(z, depth, depth):
                sums[ring, rows, columns] += logits[tile]
                covered[ring, rows, columns] += network.weights[tile]
            next(tiles)
        for ring, finished in _ring_parts(z, next_z - z, depth):
            planes = slice(z + finished.start, z + finished.stop)
            yield _Part(planes, sums[ring], None, covered[ring])
            sums[ring] = 0
            covered[ring] = 0


def _counted(tiles: int, progress: TileProgress | None) -> Iterator[None]:
    """To be advanced before the first tile and after each: says how many are done."""
    for done in range(tiles + 1):
        if progress is not None:
            progress(done, tiles)
        yield


def _ring_parts(start: int, count: int, depth: int) -> Iterator[tuple[slice, slice]]:
    """Planes start .. start + count (at most ``depth``): where in the ring, and which of the count."""
    first = start % depth
    head = min(count, depth - first)
    yield slice(first, first + head), slice(0, head)
    if count > head:
        yield slice(0, count - head), slice(head, count)
