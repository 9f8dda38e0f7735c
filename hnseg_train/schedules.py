"""Learning rates and class weights as pure functions: a resumed training goes on exactly where it stopped."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PATIENCE = 30
"""Epochs without improvement after which the learning rate falls (docs/method.md)."""

FACTOR = 0.2
"""By how much it falls."""

SMALLEST = 1e-6
"""Training ends when the learning rate is below this."""

SMOOTHING = 0.93
"""Weight of the past in the moving average of the training loss."""

IMPROVEMENT = 5e-4
"""Smallest fall of the moving average that counts."""


def plateau_rate(losses: Sequence[float], initial: float) -> float:
    """Learning rate after these training losses: falls each time their moving average stalls."""
    rate, average, best, stalled = initial, None, float("inf"), 0
    for loss in losses:
        average = loss if average is None else SMOOTHING * average + (1 - SMOOTHING) * loss
        if average < best - IMPROVEMENT:
            best, stalled = average, 0
        else:
            stalled += 1
        if stalled > PATIENCE:
            rate, stalled = rate * FACTOR, 0
    return rate


def poly_rate(progress: float, initial: float, exponent: float = 0.9) -> float:
    """Learning rate that falls to zero as ``progress`` goes from 0 to 1: nnU-Net's polynomial."""
    return float(initial * (1 - progress) ** exponent)


def exponential_rate(progress: float, initial: float, last: float = 0.01) -> float:
    """Learning rate that falls by the same factor every epoch, to the part ``last`` of the initial one."""
    return float(initial * last**progress)


def class_weights(voxels: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
    """Cross-entropy weight of each class from its number of voxels, background first.

    At first (``progress`` 0) an organ weighs as many times more as it is smaller than the largest one, so
    that all organs weigh the same in sum; the background and absent classes weigh 1. The weights fall to 1
    over the first two thirds of the training: they help to find small organs but do not swell them.
    """
    organs = voxels[1:].astype(np.float64)
    present = np.where(organs > 0, organs, organs.max())
    strength = max(0.0, 1 - 1.5 * progress)
    return np.concatenate(([1.0], (present.max() / present) ** strength))


def prior_logits(voxels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of each class's share of the voxels as the cross-entropy weighs them at first.

    A head whose biases these are need not first learn, at the cost of small organs, that most is background.
    """
    weighed = np.maximum(voxels * class_weights(voxels, 0.0), 1.0)
    logits: NDArray[np.float64] = np.log(weighed / weighed.sum())
    return logits
