"""A ``TileNetwork`` of plain numpy operations around any function of a tile."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.class_maps import entropy_map, ranked
from hnseg_infer.tiling import gaussian_weights, patch_3d

Function = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class PlainNetwork:
    """function: from a tile ``[z, y, x]`` to logits ``[class, z, y, x]``. seen: how often it was called."""

    def __init__(self, function: Function, patch: Sequence[int]) -> None:
        self.function = function
        self.weights = gaussian_weights(tuple(patch)).reshape(patch_3d(patch))
        self.seen = 0

    def upload(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        return image

    def zeros(self, shape: Sequence[int], dtype: str) -> NDArray[Any]:
        return np.zeros(shape, dtype)

    def labels(self, tile: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        self.seen += 1
        logits = np.moveaxis(self.function(tile), 0, -1)
        return self.argmax(logits), logits

    def weighted_logits(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen += 1
        return np.moveaxis(self.function(tile) * self.weights, 0, -1)

    def argmax(self, sums: NDArray[np.float32]) -> NDArray[np.uint8]:
        return sums.argmax(axis=-1).astype(np.uint8)

    def entropy(
        self,
        logits: NDArray[np.float32],
        labels: NDArray[np.uint8],
        covered: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float16]:
        return entropy_map(logits, labels, covered)

    def ranked(
        self, logits: NDArray[np.float32], covered: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        return ranked(logits, covered)

    def download(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return labels
