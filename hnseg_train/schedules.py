"""Learning rates as pure functions, so that a resumed training goes on exactly where it stopped."""

from collections.abc import Sequence

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


def poly_rate(epoch: int, epochs: int, initial: float, exponent: float = 0.9) -> float:
    """Learning rate of an epoch (from 0), falling to zero over ``epochs``: nnU-Net's polynomial."""
    return float(initial * (1 - epoch / epochs) ** exponent)
