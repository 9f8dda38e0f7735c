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


def cycle_progress(epoch: int, epochs: int, restart: int | None) -> float:
    """How far an epoch (from 0) is into its cycle, from 0 to 1; ``restart`` begins a second cycle."""
    if restart is None:
        return epoch / epochs
    start, end = (restart, epochs) if epoch >= restart else (0, restart)
    return (epoch - start) / (end - start)


def poly_rate(progress: float, initial: float, exponent: float = 0.9) -> float:
    """Learning rate that falls to zero as ``progress`` goes from 0 to 1: nnU-Net's polynomial."""
    return float(initial * (1 - progress) ** exponent)


def class_weights(voxels: NDArray[np.int64], progress: float) -> NDArray[np.float64]:
    """Cross-entropy weight of each class from its number of voxels, background first.

    A class weighs the square root of how much smaller it is than the largest organ; the background and absent
    classes weigh 1. The weights fall to 1 over the first two thirds of the training (``progress`` from 0 to
    1), so that they help to find small organs but do not swell them.
    """
    organs = voxels[1:].astype(np.float64)
    present = np.where(organs > 0, organs, organs.max())
    strength = 0.5 * max(0.0, 1 - 1.5 * progress)
    return np.concatenate(([1.0], (present.max() / present) ** strength))
