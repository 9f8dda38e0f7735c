"""The scanner's additions on small made-up slices."""

import numpy as np
import pytest

from hnseg_train.phantom.scanner import (
    AIR,
    Scanner,
    add_noise,
    add_streaks,
    add_support,
    smooth,
    widths,
)

SETTING = Scanner(blur=0.1, noise=8.0, grain=0.2, gap_mm=10.0, rest_half_mm=70.0, mask_mm=2.0)


@pytest.fixture
def ball() -> np.ndarray:
    """Two slices of 200 x 200 pixels with a soft disc of radius 60 about (80, 100)."""
    y, x = np.mgrid[:200, :200]
    disc = np.where(np.hypot(y - 80, x - 100) <= 60, 40.0, AIR)
    return np.stack([disc, disc]).astype(np.float32)


def test_width_is_the_discs_diameter(ball: np.ndarray) -> None:
    np.testing.assert_allclose(widths(ball, 2.0), 121 * 2.0)


def test_smoothing_keeps_the_sum_and_spreads_a_point() -> None:
    point = np.zeros((9, 9), np.float32)
    point[4, 4] = 100
    out = smooth(point, 0.1)
    assert out.sum() == pytest.approx(100)
    assert out[4, 4] == pytest.approx(64)
    assert out[4, 5] == pytest.approx(8)
    assert out[5, 5] == pytest.approx(1)


def test_support_lies_below_the_patient_and_leaves_it_alone(ball: np.ndarray) -> None:
    before = ball.copy()
    add_support(ball, 1.0, 3.0, 0.0, 100.0, SETTING)
    np.testing.assert_array_equal(ball[before > AIR], 40.0)
    np.testing.assert_array_equal(ball[:, :60], before[:, :60])
    assert (ball[:, 143:145, 100] > -500).all()
    assert (ball[:, 146:155, 100] < -900).all()


def test_only_metal_streaks(ball: np.ndarray) -> None:
    before = ball.copy()
    rng = np.random.default_rng(0)
    add_streaks(ball, rng)
    np.testing.assert_array_equal(ball, before)
    ball[0, 78:82, 98:102] = 9000
    add_streaks(ball, rng)
    np.testing.assert_array_equal(ball[1], before[1])
    ring = np.abs(ball[0, 75:86, 90] - 40)
    assert ring.max() > 20


def test_noise_has_the_settings_spread_and_grows_with_width(ball: np.ndarray) -> None:
    thin, wide = ball.copy(), ball.copy()
    add_noise(thin, np.array([150, 150], np.float32), SETTING, np.random.default_rng(1))
    add_noise(wide, np.array([420, 420], np.float32), SETTING, np.random.default_rng(1))
    inside = ball > AIR
    assert thin[inside].std() == pytest.approx(8, rel=0.15)
    assert thin[inside].mean() == pytest.approx(40, abs=1)
    assert wide[inside].std() > 1.5 * thin[inside].std()
