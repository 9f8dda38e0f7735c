"""From the values of a label file to organs: which values are no labels, and which no organ's."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Array
from hnseg_train.cohort_check.findings import ERROR, Problem

_LISTED = 5
"""How many unknown values a sentence lists; an image taken for a label file has thousands."""

_ROUNDING = 0.01
"""A label that was stored through a scale factor is off by less; an interpolated one is off by more."""


def organ_labels(
    stored: Array, organs: Mapping[int, str], source: str
) -> tuple[NDArray[np.uint8], list[Problem]]:
    """The label values of ``organs``, everything else 0, and what is wrong with the values; any array shape.

    Values within a hundredth of a whole number count as that for what else is checked, other fractions as 0.
    ``source`` names the file in messages.
    """
    whole, problems = _whole(stored, source)
    labels, unknown = _listed(whole, organs)
    if unknown:
        shown = ", ".join(
            f"{value:g} ({count} voxel{'s' * (count != 1)})"
            for value, count in list(unknown.items())[:_LISTED]
        )
        more = f" and {len(unknown) - _LISTED} more values" if len(unknown) > _LISTED else ""
        message = f"{source} holds {shown}{more}; the organ table lists {_ranges(organs)}."
        problems.append(Problem("unknown_labels", ERROR, message))
    if not problems and not labels.any():
        problems.append(Problem("empty_label", ERROR, f"{source} is empty: every voxel is background."))
    return labels, problems


def _whole(stored: Array, source: str) -> tuple[Array, list[Problem]]:
    if stored.dtype.kind != "f":
        return stored, []
    whole = np.rint(stored)
    broken = (whole != stored) | ~np.isfinite(stored)
    count = int(np.count_nonzero(broken))
    if count == 0:
        return whole, []
    example = float(stored[broken][0])
    message = f"{source} holds {count} voxels whose value is not a whole number, such as {example:g}."
    finite = np.nan_to_num(stored, nan=0.0, posinf=0.0, neginf=0.0)
    whole = np.rint(finite)
    whole[np.abs(finite - whole) > _ROUNDING] = 0
    return whole, [Problem("non_integer_labels", ERROR, message)]


def _listed(whole: Array, organs: Mapping[int, str]) -> tuple[NDArray[np.uint8], dict[float, int]]:
    """The labels that ``organs`` lists, and the voxel count of every other value, by value."""
    unknown: dict[float, int] = {}
    if whole.min() < 0 or whole.max() > 255:
        far = (whole < 0) | (whole > 255)
        values, counts = np.unique(whole[far], return_counts=True)
        unknown = dict(zip(values.tolist(), counts.tolist(), strict=True))
        whole = np.where(far, 0, whole)
    labels: NDArray[np.uint8] = whole.astype(np.uint8)
    # plane by plane: bincount turns what it counts into 64-bit integers
    counts = sum((np.bincount(plane.ravel(), minlength=256) for plane in labels), np.zeros(256, np.int64))
    others = [value for value in range(1, 256) if counts[value] and value not in organs]
    if others:
        table = np.arange(256, dtype=np.uint8)
        table[others] = 0
        labels = table[labels]
    unknown |= {float(value): int(counts[value]) for value in others}
    return labels, dict(sorted(unknown.items()))


def _ranges(values: Iterable[int]) -> str:
    """Like ``1 to 22`` or ``1 to 3, 7``."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
