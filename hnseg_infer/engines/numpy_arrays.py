"""What every ``TileNetwork`` of numpy arrays does alike: the arrays are the host's own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.class_maps import entropy_map, ranked
from hnseg_infer.sliding_window import DType


class NumpyArrays:
    """The part of a ``TileNetwork`` that needs no network; logits and sums have the class axis last."""

    def upload(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        return image

    def zeros(self, shape: Sequence[int], dtype: DType) -> NDArray[Any]:
        return np.zeros(shape, dtype)

    def argmax(self, sums: NDArray[np.float32]) -> NDArray[np.uint8]:
        labels: NDArray[np.uint8] = sums.argmax(axis=-1).astype(np.uint8)
        return labels

    def entropy(
        self,
        logits: NDArray[np.float32],
        labels: NDArray[np.uint8],
        covered: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float16]:
        return entropy_map(logits, labels, covered)

    def ranked(
        self, logits: NDArray[np.float32], covered: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        return ranked(logits, covered)

    def download(self, array: NDArray[Any]) -> NDArray[Any]:
        return array
