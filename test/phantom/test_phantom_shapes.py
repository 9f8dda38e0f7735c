"""Distances and volumes against geometry worked out by hand."""

import numpy as np
import pytest

from hnseg_train.phantom.loft import loft
from hnseg_train.phantom.shapes import (
    F,
    Shape,
    box,
    common,
    ellipsoid,
    grown,
    minus,
    mirrored,
    rotation,
    tube,
    union,
    where,
)

STEP = 0.5


@pytest.fixture(scope="module")
def grid() -> tuple[F, F, F]:
    axis = np.arange(-25, 25, STEP, dtype=np.float32) + np.float32(STEP / 2)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    return x, y, z


def _at(shape: Shape, x: float, y: float, z: float) -> float:
    return float(shape.distance(*(np.full((1, 1, 1), value, np.float32) for value in (x, y, z)))[0, 0, 0])


def _volume(shape: Shape, grid: tuple[F, F, F]) -> float:
    return float((shape.distance(*grid) < 0).sum()) * STEP**3


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (ellipsoid((0, 0, 0), (12, 9, 6)), 4 / 3 * np.pi * 12 * 9 * 6),
        (ellipsoid((1, 2, 3), (12, 9, 6), rotation(30, 20, 10)), 4 / 3 * np.pi * 12 * 9 * 6),
        (box((0, 0, 0), (10, 8, 6), rounding=0.01), 20 * 16 * 12),
        (tube([(0, 0, -10), (0, 0, 10)], 5), np.pi * 25 * 20 + 4 / 3 * np.pi * 125),
        (tube([(0, 0, -10), (0, 0, 10)], 5, (2, 1, 1)), 2 * (np.pi * 25 * 20 + 4 / 3 * np.pi * 125)),
        (loft([(-10, 0, 0, 8, 6, 4), (10, 0, 0, 8, 6, 4)]), np.pi / 2 * 8 * (6 + 4) * 20),
        (loft([(-10, 0, 0, 6, 6, 6), (10, 0, 0, 12, 12, 12)]), np.pi / 3 * 20 * (36 + 72 + 144)),
    ],
)
def test_volume_is_the_analytic_one(shape: Shape, expected: float, grid: tuple[F, F, F]) -> None:
    assert _volume(shape, grid) == pytest.approx(expected, rel=0.02)


def test_square_loft_lies_between_ellipse_and_rectangle(grid: tuple[F, F, F]) -> None:
    rows = [(-10, 0, 0, 10, 8, 8), (10, 0, 0, 10, 8, 8)]
    assert np.pi * 10 * 8 * 20 < _volume(loft(rows, square=True), grid) < 20 * 16 * 20


@pytest.mark.parametrize(
    "shape",
    [
        ellipsoid((2, -3, 1), (12, 9, 6), rotation(30, -20, 10)),
        box((1, 1, 1), (9, 5, 3), turn=rotation(25, 10, -40)),
        tube([(-5, 0, -9), (4, 6, 0), (0, -3, 9)], [2, 5, 3], (1, 2, 1)),
        loft([(-9, 1, 2, 5, 4, 3), (0, -2, 1, 8, 6, 4), (9, 0, 0, 3, 3, 3)], square=True),
    ],
)
def test_bounding_box_holds_the_whole_shape(shape: Shape, grid: tuple[F, F, F]) -> None:
    inside = shape.distance(*grid) < 0
    for axis, low, high in zip(grid, shape.low, shape.high, strict=True):
        assert low <= axis[inside].min()
        assert axis[inside].max() <= high


def test_distances_by_hand() -> None:
    ball = ellipsoid((1, 0, 0), (5, 5, 5))
    assert _at(ball, 9, 0, 0) == pytest.approx(3, abs=1e-4)
    assert _at(ball, 1, 4, 0) == pytest.approx(-1, abs=1e-4)
    cube = box((0, 0, 0), (4, 4, 4), rounding=1)
    assert _at(cube, 7, 0, 0) == pytest.approx(3, abs=1e-5)
    assert _at(cube, 6, 7, 0) == pytest.approx(np.hypot(3, 4) - 1, abs=1e-5)
    rod = tube([(0, 0, 0), (10, 0, 0)], [2, 4])
    assert _at(rod, 5, 7, 0) == pytest.approx(7 - 3, abs=1e-5)
    assert _at(rod, 13, 4, 0) == pytest.approx(5 - 4, abs=1e-5)


def test_combinations_follow_set_logic(grid: tuple[F, F, F]) -> None:
    one, two = ellipsoid((-3, 0, 0), (8, 8, 8)), ellipsoid((3, 0, 0), (8, 8, 8))
    a, b = one.distance(*grid) < 0, two.distance(*grid) < 0
    np.testing.assert_array_equal(union(one, two).distance(*grid) < 0, a | b)
    np.testing.assert_array_equal(common(one, two).distance(*grid) < 0, a & b)
    np.testing.assert_array_equal(minus(one, two).distance(*grid) <= 0, a & ~b)
    assert _volume(grown(one, 2), grid) == pytest.approx(4 / 3 * np.pi * 1000, rel=0.02)
    assert grown(one, 2).low == pytest.approx((-13, -10, -10))


def test_where_takes_any_field() -> None:
    half_space = where(lambda x, y, z: x - np.float32(2), (-9, -9, -9), (2, 9, 9))
    assert _at(half_space, 5, 0, 0) == 3
    assert half_space.high == (2, 9, 9)


def test_mirrored_turns_only_x() -> None:
    assert mirrored(-1, [(1, 2, 3)]) == [(-1, 2, 3)]
    assert mirrored(1, [(1, 2, 3)]) == [(1, 2, 3)]


def test_positive_pitch_tips_the_top_forwards() -> None:
    assert rotation(pitch=90) @ [0, 0, 1] == pytest.approx([0, -1, 0])
    assert rotation(yaw=90) @ [1, 0, 0] == pytest.approx([0, 1, 0])
    turn = rotation(10, 20, 30)
    assert turn @ turn.T == pytest.approx(np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)
