"""How NIfTI says where a grid lies: the affine (sform) and the quaternion (qform).

NIfTI is RAS: its x and y run against LPS. Affines are 3 x 4 matrices from index (i, j, k) to RAS
mm. Everything in a header is single precision; a reader normalises the affine's columns in double.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.volume import ORTHOGONALITY_TOLERANCE, Geometry

SCANNER = 1
"""NIFTI_XFORM_SCANNER_ANAT."""

_SCALE_TOLERANCE = 1e-3
"""Largest relative difference between a voxel size and the length of its affine column."""

_UNIT_TOLERANCE = 1e-2
"""By how much a quaternion, which is stored rounded, may be longer than 1; readers shorten it."""

_SEARCH_STEPS = 64
"""How far from the spacing, in single-precision steps, the length of an affine column is looked for."""

_TO_LPS = np.array([-1.0, -1.0, 1.0])


def to_quaternion(geometry: Geometry) -> tuple[float, float, float, float]:
    """qfac, quatern_b, quatern_c, quatern_d of a grid."""
    from scipy.spatial.transform import Rotation

    matrix = _TO_LPS[:, None] * geometry.matrix
    qfac = 1.0 if np.linalg.det(matrix) > 0 else -1.0
    matrix[:, 2] *= qfac
    b, c, d, _ = Rotation.from_matrix(matrix).as_quat(canonical=True)
    return qfac, float(b), float(c), float(d)


def check_affine(path: Path, affine: NDArray[np.float32], spacing: tuple[float, ...]) -> None:
    """Raise InputError for an sform that is not numbers, sheared, or at odds with the voxel size."""
    columns = affine[:, :3].astype(np.float64)
    lengths = np.linalg.norm(columns, axis=0)
    if not np.isfinite(affine).all() or not (np.abs(lengths / spacing - 1) <= _SCALE_TOLERANCE).all():
        raise InputError(f"{path.name} contradicts itself: its affine matrix does not fit its voxel size.")
    columns /= lengths
    if np.abs(columns.T @ columns - np.eye(3)).max() > ORTHOGONALITY_TOLERANCE:
        raise InputError(
            f"{path.name} has a sheared affine, as from a tilted gantry; perpendicular axes are accepted."
        )


def check_quaternion(path: Path, quaternion: NDArray[np.float32]) -> None:
    """Raise InputError for a qform (quatern_b, c, d) that is no rotation."""
    if not np.linalg.norm(quaternion.astype(np.float64)) <= 1 + _UNIT_TOLERANCE:
        raise InputError(f"{path.name} has a qform whose quaternion is no rotation.")


def to_affine(geometry: Geometry) -> NDArray[np.float32]:
    """The single-precision affine from which ITK gets the grid's directions back exactly.

    For a grid that came from a NIfTI file there is one. For any other oblique grid there is none
    in general, and the affine is the nearest.
    """
    columns = [_column(geometry.matrix[:, axis], geometry.spacing[axis]) for axis in range(3)]
    affine: NDArray[np.float64] = np.column_stack([*columns, np.array(geometry.origin)]) * _TO_LPS[:, None]
    return affine.astype(np.float32)


def _column(direction: NDArray[np.float64], spacing: float) -> NDArray[np.float32]:
    """Single-precision vector about as long as ``spacing`` that, normalised, is exactly ``direction``.

    The spacing in a file is rounded separately from its affine, so the vector's true length is
    looked for: its largest component is one of the single-precision numbers near by, and the
    other components follow from it.
    """
    largest = int(np.argmax(np.abs(direction)))
    nearest: NDArray[np.float32] = (direction * spacing).astype(np.float32)
    step = np.spacing(nearest[largest])
    for count in sorted(range(-_SEARCH_STEPS, _SEARCH_STEPS + 1), key=abs):
        length = float(nearest[largest] + count * step) / direction[largest]
        candidate: NDArray[np.float32] = (direction * length).astype(np.float32)
        if np.array_equal(_normalised(candidate.astype(np.float64)), direction):
            return candidate
    return nearest


def _normalised(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vector with ITK's order of operations, which decides the last digit."""
    x, y, z = (float(value) for value in vector)
    unit: NDArray[np.float64] = vector / np.sqrt(x * x + y * y + z * z)
    return unit
