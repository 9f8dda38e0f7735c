"""What a deformation is: a pose, a size, a smooth field of displacements, and from where each voxel comes.

Vectors are mm in the order z, y, x of the grid's own axes (superior, posterior, patient left). An output
point p comes from the input point c + (R S)^-1 (p - c) + u(p): c the head's centre, R the rotation, S the
scaling, u the displacement, cubic B-splines on a coarse lattice (Rueckert et al. 1999, IEEE TMI 18).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Geometry
from hnseg_train.variation.landmarks import Point

PITCH_DEGREES = 20.0
"""Chin up and chin down, at most; heads are fixed anywhere between."""

TILT_DEGREES = 10.0
"""Yaw and roll at most; small ones are likelier, masks are made on straight heads."""

SCALE, AXIS_SCALE = 0.12, 0.05
"""Largest deviation from 1 of the head's size, and of each axis beyond that."""

FIELD = 0.10
"""Largest deviation of the pixel size from the given one."""

LATTICE_MM = 50.0
"""Distance of the lattice's knots: about the size of an orbit or a parotid gland."""

DISPLACEMENT_MM = (2.5, 3.5)
"""Standard deviation of each component of the displacement."""

_SPLINE_GAIN = (151 / 315) ** 1.5
"""Standard deviation of a cubic B-spline field in space whose coefficients have 1."""


@dataclass(frozen=True, eq=False)
class Deformation:
    """A drawn deformation. Degrees; pitch > 0 is chin up, roll > 0 leans the vertex to the patient's left,
    yaw > 0 turns the nose to the left.

    scale: factors along z, y, x. field: factor of the pixel size. lattice: coefficients in mm
    ``[component z y x, knots z, y, x]``; knot 1 of each axis lies on the output's first voxel.
    """

    centre: Point
    pitch: float = 0.0
    roll: float = 0.0
    yaw: float = 0.0
    scale: Point = (1.0, 1.0, 1.0)
    field: float = 1.0
    lattice: NDArray[np.float32] | None = None

    @property
    def forward(self) -> NDArray[np.float64]:
        """R S, 3 x 3: where a vector from the centre goes, without the displacements."""
        # right-handed about left, posterior, superior; the nose points to -y
        about_x, about_y, about_z = np.radians([-self.pitch, self.roll, self.yaw])
        x = _rotation(about_x, 1, 2)
        y = _rotation(about_y, 2, 0)
        z = _rotation(about_z, 0, 1)
        rotation: NDArray[np.float64] = (x @ y @ z)[::-1, ::-1]
        return np.asarray(rotation * np.asarray(self.scale))


def sample_deformation(geometry: Geometry, centre: Point, rng: np.random.Generator) -> Deformation:
    """Draw a deformation of an image with this geometry about a centre (mm in z, y, x)."""
    pitch = rng.uniform(-PITCH_DEGREES, PITCH_DEGREES)
    roll, yaw = rng.triangular(-TILT_DEGREES, 0.0, TILT_DEGREES, 2)
    scale = rng.uniform(1 - SCALE, 1 + SCALE) * rng.uniform(1 - AXIS_SCALE, 1 + AXIS_SCALE, 3)
    field = float(rng.uniform(1 - FIELD, 1 + FIELD))
    spread = rng.uniform(*DISPLACEMENT_MM) / _SPLINE_GAIN
    knots = [
        int((size - 1) * mm / LATTICE_MM) + 4
        for size, mm in zip(geometry.shape, output_spacing(geometry, field), strict=True)
    ]
    return Deformation(
        centre=centre,
        pitch=float(pitch),
        roll=float(roll),
        yaw=float(yaw),
        scale=(float(scale[0]), float(scale[1]), float(scale[2])),
        field=field,
        lattice=rng.normal(0.0, spread, (3, *knots)).astype(np.float32),
    )


def output_spacing(geometry: Geometry, field: float) -> Point:
    """Spacing (z, y, x) in mm of a deformed image."""
    z, y, x = geometry.spacing_zyx
    return z, y * field, x * field


def source_indices(
    geometry: Geometry, deformation: Deformation, window: tuple[slice, ...]
) -> NDArray[np.float32]:
    """``[3, z, y, x]``: input index (z, y, x, fractional) that each output voxel of a window comes from.

    geometry: the input's; the output has as many voxels about the same middle. Slices may have steps.
    """
    spacing = geometry.spacing_zyx
    steps = output_spacing(geometry, deformation.field)
    numbers = [np.arange(size)[part] for size, part in zip(geometry.shape, window, strict=True)]
    z, y, x = (
        index * step + (size - 1) / 2 * (mm - step) - centre
        for index, step, size, mm, centre in zip(
            numbers, steps, geometry.shape, spacing, deformation.centre, strict=True
        )
    )
    splines: list[NDArray[np.float32]] = []
    if deformation.lattice is not None:
        splines = [
            _spline_weights(index * step / LATTICE_MM, count)
            for index, step, count in zip(numbers, steps, deformation.lattice.shape[1:], strict=True)
        ]
    # the pose is a product of the axes as the displacements are: with 1 and with the place along each axis
    down = np.column_stack([np.ones_like(y), y, *splines[1:2]]).astype(np.float32)
    across = np.column_stack([np.ones_like(x), x, *splines[2:]]).astype(np.float32)
    inverse = np.linalg.inv(deformation.forward)
    result = np.empty((3, len(z), len(y), len(x)), np.float32)
    for axis in range(3):
        factors = np.zeros((len(z), down.shape[1], across.shape[1]), np.float32)
        factors[:, 0, 0] = deformation.centre[axis] + inverse[axis, 0] * z
        factors[:, 1, 0], factors[:, 0, 1] = inverse[axis, 1], inverse[axis, 2]
        if deformation.lattice is not None:
            factors[:, 2:, 2:] = np.tensordot(splines[0], deformation.lattice[axis], 1)
        np.matmul(down, (factors / np.float32(spacing[axis])) @ across.T, out=result[axis])
    return result


def _rotation(angle: float, first: int, second: int) -> NDArray[np.float64]:
    """x, y, z: turns axis ``first`` towards axis ``second``."""
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first], matrix[first, second] = np.sin(angle), -np.sin(angle)
    return matrix


def _spline_weights(positions: NDArray[np.floating], knots: int) -> NDArray[np.float32]:
    """``[position, knot]``: the cubic B-spline of each knot; knot 1 lies at 0, knots are 1 apart."""
    distance = np.abs(positions[:, None] + 1 - np.arange(knots))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    weights: NDArray[np.float32] = np.where(distance < 1, near, far).astype(np.float32)
    return weights
