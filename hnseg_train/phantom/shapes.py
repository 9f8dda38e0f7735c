"""Implicit shapes in the patient's own millimetres: each knows a box around it and its signed distance.

Coordinates are LPS millimetres from the brain stem's centroid (+x left, +y posterior, +z superior), float32.
Distances are approximate (exact at the surface to first order), negative inside.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F = NDArray[np.float32]
Distance = Callable[[F, F, F], F]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """A solid: the corners of a box that holds it, and its signed distance in mm."""

    low: Point
    high: Point
    distance: Distance


def _point(values: Sequence[float] | NDArray[np.float64]) -> Point:
    return float(values[0]), float(values[1]), float(values[2])


def mirrored(side: int, points: Sequence[Sequence[float]]) -> list[Point]:
    """Points given for the left side, on the left (``side`` 1) or the right (-1)."""
    return [(side * x, y, z) for x, y, z in points]


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> NDArray[np.float64]:
    """Rotation matrix from degrees: yaw about z, pitch about x, roll about y (applied in that order)."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_y = np.array([[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]])
    return np.asarray(about_y @ about_x @ about_z)


def _local(x: F, y: F, z: F, centre: Sequence[float], turn: NDArray[np.float64] | None) -> tuple[F, F, F]:
    u, v, w = (axis - np.float32(c) for axis, c in zip((x, y, z), centre, strict=True))
    if turn is None:
        return u, v, w
    t = turn.T.astype(np.float32)
    rows = [t[i, 0] * u + t[i, 1] * v + t[i, 2] * w for i in range(3)]
    return rows[0], rows[1], rows[2]


def _length(u: F, v: F, w: F) -> F:
    """Length of the vectors (u, v, w); in place where it can be: this is most of a patient's time."""
    out, square = u * u, v * v
    out += square
    np.multiply(w, w, out=square)
    out += square
    return np.asarray(np.sqrt(out, out=out), dtype=np.float32)


def ellipsoid(
    centre: Sequence[float], radii: Sequence[float], turn: NDArray[np.float64] | None = None
) -> Shape:
    """Ellipsoid with semi-axes ``radii`` mm, turned by the matrix ``turn``."""
    sizes = [np.float32(max(r, 0.1)) for r in radii]
    depth = -min(sizes)

    def distance(x: F, y: F, z: F) -> F:
        parts = _local(x, y, z, centre, turn)
        for part, size in zip(parts, sizes, strict=True):
            part *= 1 / size
        k0 = _length(*parts)
        for part, size in zip(parts, sizes, strict=True):
            part *= 1 / size
        out = k0 - 1
        out *= k0
        out /= _length(*parts) + np.float32(1e-6)
        # Near the centre the first-order formula tends to zero, not to the (negative) depth.
        out[k0 < 0.2] = depth
        return out

    matrix = np.eye(3) if turn is None else turn
    reach = np.sqrt((matrix**2) @ (np.asarray(radii, dtype=np.float64) ** 2))
    middle = np.asarray(centre, dtype=np.float64)
    return Shape(_point(middle - reach), _point(middle + reach), distance)


def box(
    centre: Sequence[float],
    half: Sequence[float],
    rounding: float = 2.0,
    turn: NDArray[np.float64] | None = None,
) -> Shape:
    """Box with half sides ``half`` mm (rounding included), turned by the matrix ``turn``."""
    rounding = min(rounding, *half)
    inner = [np.float32(h - rounding) for h in half]

    def distance(x: F, y: F, z: F) -> F:
        parts = [np.abs(p) - h for p, h in zip(_local(x, y, z, centre, turn), inner, strict=True)]
        outside = np.sqrt(sum(np.maximum(p, 0) ** 2 for p in parts))
        inside = np.minimum(np.maximum(np.maximum(parts[0], parts[1]), parts[2]), 0)
        return np.asarray(outside + inside - np.float32(rounding), dtype=np.float32)

    matrix = np.eye(3) if turn is None else turn
    reach = np.abs(matrix) @ np.asarray(half, dtype=np.float64)
    middle = np.asarray(centre, dtype=np.float64)
    return Shape(_point(middle - reach), _point(middle + reach), distance)


def tube(
    points: Sequence[Sequence[float]],
    radii: float | Sequence[float],
    stretch: Sequence[float] = (1.0, 1.0, 1.0),
) -> Shape:
    """Round-ended tube along a polyline with one radius per point.

    ``stretch`` widens the cross-section along x, y, z (a flat muscle, a tall jaw body).
    """
    scale = np.asarray(stretch, dtype=np.float64)
    nodes = np.asarray(points, dtype=np.float64) / scale
    sizes = np.broadcast_to(np.asarray(radii, dtype=np.float64), (len(nodes),))
    shrink = np.float32(scale.min())

    def distance(x: F, y: F, z: F) -> F:
        u, v, w = (
            a if s == 1 else a * np.float32(1 / s) for a, s in zip((x, y, z), scale.tolist(), strict=True)
        )
        best: F | None = None
        for a, b, ra, rb in zip(nodes[:-1], nodes[1:], sizes[:-1], sizes[1:], strict=True):
            step = (b - a).astype(np.float32)
            pu, pv, pw = u - np.float32(a[0]), v - np.float32(a[1]), w - np.float32(a[2])
            to = step / np.float32(max(step @ step, 1e-6))
            along = pu * to[0]
            along += pv * to[1]
            along += pw * to[2]
            np.clip(along, 0, 1, out=along)
            for part, component in zip((pu, pv, pw), step, strict=True):
                if component:
                    part -= along * component
            d = _length(pu, pv, pw)
            along *= np.float32(rb - ra)
            along += np.float32(ra)
            d -= along
            best = d if best is None else np.minimum(best, d, out=best)
        assert best is not None
        return best if shrink == 1 else np.asarray(best * shrink, dtype=np.float32)

    grow = sizes[:, None] * scale
    corners = nodes * scale
    return Shape(_point((corners - grow).min(0)), _point((corners + grow).max(0)), distance)


def union(*shapes: Shape) -> Shape:
    """Everything in any of the shapes."""

    def distance(x: F, y: F, z: F) -> F:
        best = shapes[0].distance(x, y, z)
        for shape in shapes[1:]:
            np.minimum(best, shape.distance(x, y, z), out=best)
        return best

    low = np.min([s.low for s in shapes], axis=0)
    high = np.max([s.high for s in shapes], axis=0)
    return Shape(_point(low), _point(high), distance)


def common(first: Shape, *others: Shape) -> Shape:
    """Everything that lies in all of the shapes."""

    def distance(x: F, y: F, z: F) -> F:
        worst = first.distance(x, y, z)
        for shape in others:
            np.maximum(worst, shape.distance(x, y, z), out=worst)
        return worst

    low = np.max([first.low, *(s.low for s in others)], axis=0)
    high = np.min([first.high, *(s.high for s in others)], axis=0)
    return Shape(_point(low), _point(high), distance)


def minus(first: Shape, *others: Shape) -> Shape:
    """The first shape without the others."""
    holes = union(*others)
    return Shape(
        first.low, first.high, lambda x, y, z: np.maximum(first.distance(x, y, z), -holes.distance(x, y, z))
    )


def grown(shape: Shape, mm: float) -> Shape:
    """The shape grown (or, with a negative number, shrunk) by ``mm``."""
    low, high = np.asarray(shape.low) - max(mm, 0), np.asarray(shape.high) + max(mm, 0)
    return Shape(_point(low), _point(high), lambda x, y, z: shape.distance(x, y, z) - np.float32(mm))


def where(field: Distance, low: Sequence[float], high: Sequence[float]) -> Shape:
    """A shape given by its distance function alone, within a box."""
    return Shape(_point(low), _point(high), field)
