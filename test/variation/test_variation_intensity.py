"""Calibration, kernel, noise and range."""

from dataclasses import replace

import numpy as np
import pytest
from varied_head import grid

from hnseg_infer.volume import Volume
from hnseg_train.variation.intensity import Intensity, change_intensity, sample_intensity


@pytest.fixture
def plain() -> Intensity:
    """A setting that changes nothing."""
    drawn = sample_intensity(np.random.default_rng(0))
    return Intensity(1.0, 0.0, 0.0, replace(drawn.scanner, noise=0.0), seed=1)


def _flat(hu: float, shape: tuple[int, int, int] = (3, 40, 40)) -> Volume:
    return Volume(np.full(shape, hu, np.float32), grid(shape, (1.0, 1.0, 1.0)))


def test_scale_is_about_water_and_shift_adds(plain: Intensity) -> None:
    for given, expected in ((0.0, 10.0), (1000.0, 1060.0), (-1000.0, -1024.0), (3000.0, 3071.0)):
        changed = change_intensity(_flat(given), intensity=replace(plain, scale=1.05, shift=10.0))
        np.testing.assert_allclose(changed.array, expected)


def test_kernel_blurs_or_sharpens_and_keeps_the_sum(plain: Intensity) -> None:
    point = _flat(0.0)
    point.array[1, 20, 20] = 100.0
    for weight in (0.1, -0.05):
        changed = change_intensity(point, intensity=replace(plain, kernel=weight)).array
        assert changed.sum() == pytest.approx(100.0, rel=1e-4)
        assert changed[1, 20, 20] == pytest.approx(100 * (1 - 2 * weight) ** 2)
        assert changed[1, 20, 21] == pytest.approx(100 * weight * (1 - 2 * weight), rel=1e-4)
        assert not changed[0].any()


def test_noise_has_the_drawn_strength(plain: Intensity) -> None:
    noisy = replace(plain, scanner=replace(plain.scanner, noise=10.0))
    changed = change_intensity(_flat(0.0, (3, 150, 150)), intensity=noisy).array
    assert changed.std() == pytest.approx(10.0, rel=0.05)
    assert abs(changed.mean()) < 0.5
    # grains are larger than pixels
    assert np.corrcoef(changed[0, :, 1:].ravel(), changed[0, :, :-1].ravel())[0, 1] > 0.2
