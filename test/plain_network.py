"""A ``TileNetwork`` of plain numpy operations around any function of a tile."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.engines.numpy_arrays import NumpyArrays
from hnseg_infer.tiling import gaussian_weights, patch_3d

Function = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class PlainNetwork(NumpyArrays):
    """function: from a tile ``[z, y, x]`` to logits ``[class, z, y, x]``. seen: how often it was called."""

    def __init__(self, function: Function, patch: Sequence[int]) -> None:
        self.function = function
        self.weights = gaussian_weights(tuple(patch)).reshape(patch_3d(patch))
        self.seen = 0

    def labels(self, tile: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        self.seen += 1
        logits = np.moveaxis(self.function(tile), 0, -1)
        return self.argmax(logits), logits

    def weighted_logits(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen += 1
        return np.moveaxis(self.function(tile) * self.weights, 0, -1)
