"""Two volumes on one grid: the check that a mask belongs to a CT, or a prediction to a reference."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Geometry, Volume, to_canonical

GRID_TOLERANCE_VOXELS = 0.1
"""Largest distance between matching corners of two grids, in parts of the smallest voxel edge.

Formats round what they store (NIfTI: single precision, some writers: six decimals); a tenth of a
voxel is above any such rounding and below any shift that a contour would show.
"""


def on_one_grid(first: Volume, second: Volume, names: tuple[str, str]) -> tuple[Volume, Volume]:
    """Both volumes in canonical orientation; ``names`` are what an error calls them.

    The two may store their axes in different orders, as long as they cover the same voxels of the
    patient. Raises InputError when they do not.
    """
    left, right = to_canonical(first), to_canonical(second)
    if left.geometry.shape != right.geometry.shape:
        raise InputError(
            f"{names[1]} has {_size(right.geometry)} voxels (x, y, z), but {names[0]} has "
            f"{_size(left.geometry)}; both must lie on the same grid."
        )
    apart = float(np.abs(_corners(left.geometry) - _corners(right.geometry)).max())
    if apart > GRID_TOLERANCE_VOXELS * min(left.geometry.spacing):
        raise InputError(
            f"{names[1]} and {names[0]} lie up to {apart:.3g} mm apart in the patient; "
            "both must have the same spacing, origin and direction."
        )
    return left, right


def _corners(geometry: Geometry) -> NDArray[np.float64]:
    ends = [(0.0, float(size - 1)) for size in geometry.shape]
    return np.array([geometry.position((z, y, x)) for z, y, x in product(*ends)])


def _size(geometry: Geometry) -> str:
    return " x ".join(str(size) for size in reversed(geometry.shape))
