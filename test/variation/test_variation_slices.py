"""Slice profiles worked out by hand."""

import numpy as np
import pytest
from varied_head import grid

from hnseg_infer.volume import Volume
from hnseg_train.variation.slices import THICKNESS_MM, SliceProfile, sample_slice_profile, thicken_slices


@pytest.fixture
def line() -> Volume:
    """One slice of 100 HU among 11 of 0 HU, 2 mm apart."""
    array = np.zeros((11, 2, 2), np.float32)
    array[5] = 100
    return Volume(array, grid((11, 2, 2), (1.0, 1.0, 2.0)))


@pytest.mark.parametrize(
    ("thickness", "expected"),
    [
        (1.0, [0, 0, 100, 0, 0]),
        (3.0, [0, 100 / 6, 200 / 3, 100 / 6, 0]),
        (4.0, [0, 25, 50, 25, 0]),
        (5.0, [0, 30, 40, 30, 0]),
        (8.0, [12.5, 25, 25, 25, 12.5]),
    ],
)
def test_a_line_spreads_over_the_profile(line: Volume, thickness: float, expected: list[float]) -> None:
    thick = thicken_slices(line, profile=SliceProfile(thickness))
    np.testing.assert_allclose(thick.array[3:8, 0, 1], expected, atol=1e-4)
    assert thick.array.mean() == pytest.approx(line.array.mean())
    assert thick.geometry == line.geometry


def test_drawn_thickness_is_within_its_range() -> None:
    rng = np.random.default_rng(0)
    drawn = [sample_slice_profile(rng).thickness for _ in range(200)]
    assert THICKNESS_MM[0] <= min(drawn) < 1.2
    assert 4.8 < max(drawn) <= THICKNESS_MM[1]
