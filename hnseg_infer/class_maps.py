"""What a network says about an image: the class of every voxel, and how sure it was.

Arrays are ``[z, y, x]``; logits have the class axis last. Entropies are in bits: 0 where the network is
certain, 1 where two classes are equally likely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

RANKS = 3
"""So many of a voxel's likeliest classes are kept; a fourth has next to nothing."""

MOST_ASKED = 20_000
"""Voxels of a plane whose entropy is worked out; the organs of a head take less."""

CERTAIN = log(1e4)
"""Lead of the background's logit over every organ's from which a voxel counts as nothing but background."""


@dataclass(frozen=True)
class ClassMap:
    """labels: uint8 class of every voxel. entropy: mean bits ``[class]`` over the class's voxels, or nan."""

    labels: NDArray[np.uint8]
    entropy: NDArray[np.float64]


@dataclass(frozen=True)
class RankedMap:
    """The likeliest classes of every voxel, to be interpolated: a tenth of all probabilities' memory.

    classes: uint8 ``[z, y, x, rank]``, likeliest first. probabilities: float16, alike. entropy: as above.
    """

    classes: NDArray[np.uint8]
    probabilities: NDArray[np.float16]
    entropy: NDArray[np.float64]

    def placed(self, part: tuple[slice, ...], shape: Sequence[int]) -> "RankedMap":
        """The same as that part of an image ``[z, y, x]`` that else is background."""
        if self.classes.shape[:-1] == tuple(shape):
            return self
        classes = np.zeros((*shape, self.classes.shape[-1]), np.uint8)
        probabilities = np.zeros(classes.shape, np.float16)
        probabilities[..., 0] = 1
        classes[part], probabilities[part] = self.classes, self.probabilities
        return RankedMap(classes, probabilities, self.entropy)

    def cropped(self, part: tuple[slice, ...]) -> "RankedMap":
        """That part of the image ``[z, y, x]``."""
        return RankedMap(self.classes[part], self.probabilities[part], self.entropy)


def entropy_map(
    logits: NDArray[np.float32], labels: NDArray[np.uint8], covered: NDArray[np.float32] | None = None
) -> NDArray[np.float16]:
    """Bits of the voxels that are no background; elsewhere nan, where nobody asks.

    covered: what the logits are to be divided by. Of very many voxels every n-th is asked, in order.
    """
    bits = np.full(labels.size, np.nan, np.float16)
    inside = np.flatnonzero(labels)
    inside = inside[:: 1 + len(inside) // (MOST_ASKED * len(labels))]
    chosen = logits.reshape(-1, logits.shape[-1])[inside].astype(np.float32)
    if covered is not None:
        chosen /= covered.reshape(-1, 1)[inside]
    # one exponential a class: -sum p log p = log(sum e^x) - sum x e^x / sum e^x, x counted from the largest
    chosen -= chosen.max(axis=-1, keepdims=True)
    shares = np.exp(chosen)
    total = shares.sum(axis=-1)
    bits[inside] = (np.log(total) - np.einsum("vc,vc->v", shares, chosen) / total) / np.float32(log(2))
    return bits.reshape(labels.shape)


def mean_by_class(labels: NDArray[np.uint8], bits: NDArray[np.float16], classes: int) -> NDArray[np.float64]:
    """Mean of ``bits`` over the voxels of each class ``[class]`` that have some; nan without any."""
    sums, counts = np.zeros(classes), np.zeros(classes)
    # plane by plane: ``bincount`` works on copies eight times as large
    for plane, values in zip(labels, bits, strict=True):
        inside = (plane > 0) & ~np.isnan(values)
        sums += np.bincount(plane[inside], values[inside], minlength=classes)
        counts += np.bincount(plane[inside], minlength=classes)
    means = np.full(classes, np.nan)
    means[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return means


def ranked(
    logits: NDArray[np.float32], covered: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """The likeliest classes ``[z, y, x, rank]`` and their probabilities from logits times ``covered``."""
    ranks = min(RANKS, logits.shape[-1])
    classes = np.zeros((*logits.shape[:-1], ranks), np.uint8)
    probabilities = np.zeros(classes.shape, np.float16)
    probabilities[..., 0] = 1
    # most of a CT is background beyond doubt, and ranking takes longest
    doubtful = -CERTAIN if covered is None else -CERTAIN * covered
    open_to_doubt = logits[..., 1:].max(axis=-1) - logits[..., 0] > doubtful
    chosen = logits[open_to_doubt]
    if covered is not None:
        chosen /= covered[open_to_doubt][:, None]
    order = np.empty((len(chosen), ranks), np.uint8)
    largest = np.empty(order.shape, np.float32)
    rows = np.arange(len(chosen))
    # looking for the largest once per rank is faster than sorting all classes
    for rank in range(ranks):
        place = chosen.argmax(axis=-1)
        order[:, rank], largest[:, rank] = place, chosen[rows, place]
        if rank == 0:
            total = np.exp(chosen - largest[:, :1]).sum(axis=-1)
        chosen[rows, place] = -np.inf
    classes[open_to_doubt] = order
    probabilities[open_to_doubt] = np.exp(largest - largest[:, :1]) / total[:, None]
    return classes, probabilities
