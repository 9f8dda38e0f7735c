"""A CT or label volume: array plus geometry, and the way to the canonical orientation and back.

Axes: arrays are ``[z, y, x]``; ``Geometry.shape`` follows the array. Physical quantities (spacing,
origin, direction) are LPS millimetres in ITK's order: component 0 belongs to the array's last
axis. *Canonical* means that array axes z, y, x run closest to superior, posterior, patient left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError

if TYPE_CHECKING:
    from hnseg_infer.report import Warning

Array = NDArray[Any]

ORTHOGONALITY_TOLERANCE = 1e-3
"""Largest deviation from 0 or 1 in the product of a direction matrix with its transpose."""

Numbers = Sequence[float] | NDArray[Any]

Matrix = Sequence[Any] | NDArray[Any]
"""Rows, or their numbers one after the other; a mixed list is of ``object`` to a type checker."""


@dataclass(frozen=True, init=False)
class Geometry:
    """Where a grid lies in the patient.

    shape: voxels along array axes (z, y, x). spacing: mm along index axes (i, j, k), that is
    x, y, z of the array: the other way round than shape. origin: LPS mm of the first voxel's centre.
    direction: row-major 3 x 3, column n is the LPS direction of index axis n. Arrays and nested sequences
    are taken, too, and kept as flat tuples. Raises InputError when no grid fits the numbers.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]

    def __init__(self, shape: Sequence[int], spacing: Numbers, origin: Numbers, direction: Matrix) -> None:
        values = {
            "shape": tuple(int(size) for size in shape),
            "spacing": _flat("spacing", spacing, 3),
            "origin": _flat("origin", origin, 3),
            "direction": _flat("direction", direction, 9),
        }
        for name, value in values.items():
            # the way around what a frozen dataclass forbids everybody else
            object.__setattr__(self, name, value)
        if len(self.shape) != 3:
            raise InputError(f"The image has {len(self.shape)} axes; three are accepted.")
        if min(self.spacing) <= 0:
            raise InputError(f"The voxel spacing {self.spacing} mm is not positive along every axis.")
        matrix = self.matrix
        if np.abs(matrix.T @ matrix - np.eye(3)).max() > ORTHOGONALITY_TOLERANCE:
            raise InputError(
                "The axes of the image are not perpendicular; resample a sheared or gantry-tilted stack."
            )

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Direction as a 3 x 3 matrix; column n is the LPS direction of index axis n."""
        return np.array(self.direction, dtype=np.float64).reshape((3, 3))

    @property
    def voxel_cm3(self) -> float:
        """Volume of one voxel in cubic centimetres."""
        return float(np.prod(self.spacing)) / 1000.0

    @property
    def spacing_zyx(self) -> tuple[float, float, float]:
        """Spacing in mm in the order of the array's axes."""
        return self.spacing[2], self.spacing[1], self.spacing[0]

    def position(self, index_zyx: tuple[float, float, float]) -> NDArray[np.float64]:
        """LPS millimetres of a (possibly fractional) array index."""
        steps = np.asarray(index_zyx[::-1], dtype=np.float64) * np.asarray(self.spacing)
        position: NDArray[np.float64] = np.asarray(self.origin) + self.matrix @ steps
        return position


def _flat(name: str, values: Numbers | Matrix, count: int) -> tuple[float, ...]:
    """The numbers row by row; raises InputError unless they are ``count`` finite ones."""
    try:
        numbers = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if numbers.size != count or not np.isfinite(numbers).all():
        found = " ".join(f"{number:g}" for number in numbers)
        raise InputError(f"The {name} of the image is {found}; {count} finite numbers are accepted.")
    return tuple(numbers.tolist())


@dataclass(frozen=True)
class Volume:
    """An array ``[z, y, x]`` on its grid. Raises InputError when the two do not fit.

    notices: what whoever read it had to repair or to leave out. series_uid: of the DICOM series it was.
    """

    array: Array
    geometry: Geometry
    notices: tuple["Warning", ...] = ()
    series_uid: str | None = None

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape:
            raise InputError(
                f"The array has shape {self.array.shape} but its geometry {self.geometry.shape}."
            )


@dataclass(frozen=True)
class _AxisMap:
    """For each canonical array axis: the source array axis it comes from, and whether it runs backwards."""

    source: tuple[int, int, int]
    reverse: tuple[bool, bool, bool]


def _axis_map(geometry: Geometry) -> _AxisMap:
    cosines = geometry.matrix

    def alignment(order: tuple[int, ...]) -> float:
        return float(sum(abs(cosines[world, index]) for world, index in enumerate(order)))

    # order[world axis x, y, z] = index axis that runs closest to it
    order = max(permutations(range(3)), key=alignment)
    reverse = [bool(cosines[world, index] < 0) for world, index in enumerate(order)]
    source = [2 - order[world] for world in (2, 1, 0)]
    return _AxisMap((source[0], source[1], source[2]), (reverse[2], reverse[1], reverse[0]))


def to_canonical(volume: Volume) -> Volume:
    """The same voxels with array axes running closest to superior, posterior, left; nothing is resampled."""
    geometry = volume.geometry
    axes = _axis_map(geometry)
    array = volume.array.transpose(axes.source)
    flips = tuple(slice(None, None, -1 if back else 1) for back in axes.reverse)
    first: list[float] = [0.0, 0.0, 0.0]
    for source, back in zip(axes.source, axes.reverse, strict=True):
        first[source] = float(geometry.shape[source] - 1) if back else 0.0
    index_axes = [2 - source for source in reversed(axes.source)]
    signs = np.array([-1.0 if back else 1.0 for back in reversed(axes.reverse)])
    matrix = geometry.matrix[:, index_axes] * signs
    origin = geometry.position((first[0], first[1], first[2]))
    spacing = [geometry.spacing[axis] for axis in index_axes]
    canonical = Geometry(
        shape=(array.shape[0], array.shape[1], array.shape[2]),
        spacing=(spacing[0], spacing[1], spacing[2]),
        origin=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=tuple(float(value) for value in matrix.ravel()),
    )
    return Volume(np.ascontiguousarray(array[flips]), canonical, volume.notices)


def from_canonical(array: Array, geometry: Geometry) -> Volume:
    """Bring an array ``[z, y, x]`` in canonical order back onto the grid it came from."""
    axes = _axis_map(geometry)
    flips = tuple(slice(None, None, -1 if back else 1) for back in axes.reverse)
    back = array[flips].transpose(np.argsort(axes.source))
    return Volume(np.ascontiguousarray(back), geometry)


def tilt_degrees(geometry: Geometry) -> float:
    """Largest angle in degrees between a grid axis and the patient axis that it runs closest to."""
    canonical = np.abs(geometry.matrix).max(axis=0)
    return float(np.degrees(np.arccos(np.clip(canonical, -1.0, 1.0))).max())
