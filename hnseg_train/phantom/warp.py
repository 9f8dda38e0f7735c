"""From scanner positions to the average patient: pose of the head, size, posture, smooth deformation.

The map is computed on coarse nodes and interpolated linearly. It is drawn once per patient.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_train.phantom.shapes import F, Point, Shape, rotation

NODE_PLANES = 9
"""Sub-slices between two nodes; a slab starts on a node."""
NODE_PIXELS = 8
MARGIN_MM = 7.0
"""Room around a shape's box, for soft edges and for what the map bends between two nodes."""
LATTICE_MM = 45.0
"""Wavelength scale of the smooth deformation."""


@dataclass(frozen=True)
class Pose:
    """One patient's departure from the average: all lengths mm, angles degrees.

    scale: patient size per axis. trunk: shift of the trunk against the head. lattice: displacements
    [3, z, y, x] on a ``LATTICE_MM`` grid centred on the brain stem.
    """

    pitch: float
    roll: float
    yaw: float
    scale: Point
    trunk: Point
    lattice: NDArray[np.float64]


def sample_pose(rng: np.random.Generator) -> Pose:
    """Draw a pose; the spreads are those of the measured organs (eyes: +-4, +-6, +-12 mm along x, y, z).

    The pitch reaches a little further: chins lie higher and lower than in the measured patients.
    """
    angles = np.clip(rng.normal(0, 1, 3), -2, 2) * (8.8, 2.2, 2.8)
    common = rng.normal(0, 0.02)
    scale = 1 + np.clip(common + rng.normal(0, 0.018, 3), -0.07, 0.07)
    trunk = np.clip(rng.normal(0, 1, 3), -2, 2) * (5.0, 10.0, 8.0)
    lattice = rng.normal(0, 1, (3, 15, 11, 13)) * 2.1
    return Pose(
        float(angles[0]),
        float(angles[1]),
        float(angles[2]),
        (float(scale[0]), float(scale[1]), float(scale[2])),
        (float(trunk[0]), float(trunk[1]), float(trunk[2])),
        lattice,
    )


def to_average(pose: Pose, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> list[F]:
    """Positions in the average patient of positions in this one (mm from the brain stem, same shapes)."""
    # The head and the jaw turn as one; the turn fades out along the neck.
    fade = np.clip((z - 0.7 * (y + 20) + 140) / 95, 0, 1)
    fade = fade * fade * (3 - 2 * fade)
    points = np.stack([x, y, z])
    turned = np.tensordot(rotation(pose.yaw, pose.pitch, pose.roll), points, axes=1)
    trunk = np.asarray(pose.trunk).reshape(3, 1, 1, 1)
    out = fade * turned + (1 - fade) * (points + trunk)
    index = points[::-1] / LATTICE_MM + (np.asarray(pose.lattice.shape[1:]).reshape(3, 1, 1, 1) - 1) / 2
    index[0] += 3
    for axis in range(3):
        out[axis] += ndimage.map_coordinates(pose.lattice[axis], index, order=3, mode="nearest")
        out[axis] /= pose.scale[axis]
    return [np.asarray(axis, dtype=np.float32) for axis in out]


def _upsample(nodes: F, step: int, size: int) -> F:
    """Linear interpolation of the last axis from every ``step``-th sample to ``size`` samples."""
    at = np.arange(size, dtype=np.float32) / step
    low = np.minimum(at.astype(np.int64), nodes.shape[-1] - 2)
    t = (at - low).astype(np.float32)
    return np.asarray(nodes[..., low] * (1 - t) + nodes[..., low + 1] * t, dtype=np.float32)


@dataclass
class Patch:
    """Average-patient coordinates of a block of sub-slices, with the coarse nodes they came from."""

    nodes: list[F]
    x: F
    y: F
    z: F

    def window(self, low: Point, high: Point) -> tuple[slice, slice, slice] | None:
        """Index box [z, y, x] that holds a box given in average-patient mm; None when it is not here."""
        inside = np.ones(self.nodes[0].shape, dtype=bool)
        for axis, a, b in zip(self.nodes, low, high, strict=True):
            inside &= (axis > a - MARGIN_MM) & (axis < b + MARGIN_MM)
        if not inside.any():
            return None
        steps = (NODE_PLANES, NODE_PIXELS, NODE_PIXELS)
        out = []
        for axis_index, step in enumerate(steps):
            hit = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis_index)))
            size = self.x.shape[axis_index]
            start, stop = max(int(hit[0]) - 1, 0) * step, min((int(hit[-1]) + 1) * step + 1, size)
            if axis_index == 0:
                stop = min(-(-stop // 3) * 3, size)
            if start >= stop:
                return None
            out.append(slice(start, stop))
        return out[0], out[1], out[2]


def node_box(nodes: list[F], shapes: list[Shape]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Node ranges (first, last) along y and x that hold all the shapes; None when none is here."""
    hit = np.zeros(nodes[0].shape, dtype=bool)
    for shape in shapes:
        inside = np.ones(hit.shape, dtype=bool)
        for axis, a, b in zip(nodes, shape.low, shape.high, strict=True):
            inside &= (axis > a - MARGIN_MM) & (axis < b + MARGIN_MM)
        hit |= inside
    if not hit.any():
        return None
    ys, xs = np.flatnonzero(hit.any(axis=(0, 2))), np.flatnonzero(hit.any(axis=(0, 1)))
    _, last_y, last_x = (count - 1 for count in nodes[0].shape)
    return (
        (max(int(ys[0]) - 1, 0), min(int(ys[-1]) + 1, last_y)),
        (max(int(xs[0]) - 1, 0), min(int(xs[-1]) + 1, last_x)),
    )


def node_grid(pose: Pose, first: Point, steps: Point, shape: tuple[int, int, int]) -> list[F]:
    """Average-patient coordinates (x, y, z) on the coarse nodes of a whole scan.

    first: where voxel (0, 0, 0) lies, mm from the brain stem (x, y, z); steps: mm between voxels (x, y, z);
    shape: voxels (z, y, x), sub-slices along z.
    """
    pitch = (NODE_PLANES, NODE_PIXELS, NODE_PIXELS)
    zs, ys, xs = (
        start + step * nodes * np.arange(-(-(count - 1) // nodes) + 1)
        for start, step, nodes, count in zip(first[::-1], steps[::-1], pitch, shape, strict=True)
    )
    z, y, x = np.meshgrid(zs, ys, xs, indexing="ij")
    return to_average(pose, x, y, z)


def refine(coarse: F, steps: tuple[int, int, int], shape: tuple[int, int, int]) -> F:
    """Linear interpolation of every ``steps``-th voxel [z, y, x] to ``shape``, extrapolating at the end."""
    plane = _upsample(coarse, steps[2], shape[2])
    plane = np.swapaxes(_upsample(np.swapaxes(plane, 1, 2), steps[1], shape[1]), 1, 2)
    out = np.empty(shape, dtype=np.float32)
    for k in range(shape[0]):
        low = min(k // steps[0], len(coarse) - 2)
        t = np.float32(k / steps[0] - low)
        np.multiply(plane[low], 1 - t, out=out[k])
        out[k] += plane[low + 1] * t
    return out


def patch(nodes: list[F], shape: tuple[int, int, int]) -> Patch:
    """Coordinates of every voxel of a block, from the nodes that span it."""
    x, y, z = (refine(axis, (NODE_PLANES, NODE_PIXELS, NODE_PIXELS), shape) for axis in nodes)
    return Patch(nodes, x, y, z)
