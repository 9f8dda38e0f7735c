"""What bundle.json says of voxel spacings: each model's rule, and those of the training CTs.

Spacings are mm in z, y, x order.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg_infer.errors import BundleError

NATIVE = "native"
"""Spacing rule: the CT's own voxels where they are like the trained ones (working_spacing.py). Any other rule
is three mm, z, y, x."""


@dataclass(frozen=True)
class SpacingRange:
    """Smallest and largest spacing of the training CTs along each axis, mm (z, y, x)."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]


def read_spacing(path: Path, name: str, rule: object) -> tuple[float, float, float] | None:
    """The spacing that a model's rule asks for, None for the CT's own. Raises BundleError for others."""
    if rule == NATIVE:
        return None
    spacing = three_mm(rule)
    if spacing is None:
        accepted = f"{NATIVE}, or three mm (z, y, x)"
        raise BundleError(f"{path} gives the model {name} the spacing rule {rule!r}; accepted: {accepted}.")
    return spacing


def read_spacing_range(path: Path, limits: Any) -> SpacingRange | None:
    """The spacings of the training CTs, None where the bundle does not say. Raises BundleError."""
    if limits is None:
        return None
    low, high = three_mm(limits["low"]), three_mm(limits["high"])
    if low is None or high is None or any(a > b for a, b in zip(low, high, strict=True)):
        raise BundleError(f"{path} was trained on spacings {limits!r}; accepted: low and high, mm (z, y, x).")
    return SpacingRange(low, high)


def three_mm(value: object) -> tuple[float, float, float] | None:
    """Three lengths from JSON or YAML, or None for anything else."""
    if isinstance(value, list) and len(value) == 3 and all(is_positive(mm) for mm in value):
        z, y, x = (float(mm) for mm in value)
        return z, y, x
    return None


def is_positive(mm: object) -> bool:
    """Whether a value is a positive, finite number; JSON and YAML as Python reads them have NaN, too."""
    return isinstance(mm, int | float) and not isinstance(mm, bool) and 0 < mm < math.inf
