"""Learning-rate schedules against values worked out by hand."""

import numpy as np
import pytest

from hnseg_train.schedules import (
    PATIENCE,
    class_weights,
    exponential_rate,
    plateau_rate,
    poly_rate,
    prior_logits,
)


def test_rate_stays_while_the_loss_falls() -> None:
    assert plateau_rate([1 - 0.01 * epoch for epoch in range(90)], 3e-4) == 3e-4


def test_rate_falls_by_a_factor_of_five_after_the_patience() -> None:
    constant = [0.5] * (PATIENCE + 1)
    assert plateau_rate(constant, 3e-4) == 3e-4
    assert plateau_rate([*constant, 0.5], 3e-4) == pytest.approx(6e-5)


def test_patience_starts_anew_after_a_fall() -> None:
    assert plateau_rate([0.5] * (1 + 2 * (PATIENCE + 1)), 3e-4) == pytest.approx(1.2e-5)


def test_a_single_good_epoch_moves_the_average_only_a_little() -> None:
    losses = [0.5] * PATIENCE + [0.499, 0.5]
    assert plateau_rate(losses, 3e-4) == pytest.approx(6e-5)


def test_exponential_falls_by_one_factor_to_a_hundredth() -> None:
    rates = [exponential_rate(epoch / 4, 0.01) for epoch in range(5)]
    assert rates == pytest.approx([0.01, 0.01 / 10**0.5, 0.001, 0.001 / 10**0.5, 0.0001])


def test_poly_falls_from_the_initial_rate_to_zero() -> None:
    assert poly_rate(0, 3e-4) == 3e-4
    assert poly_rate(0.5, 3e-4, exponent=1.0) == pytest.approx(1.5e-4)
    assert poly_rate(1, 3e-4) == 0.0


def test_organs_weigh_the_same_in_sum_at_first_and_each_voxel_the_same_in_the_end() -> None:
    voxels = np.array([10_000, 400, 4, 0])
    np.testing.assert_allclose(class_weights(voxels, 0.0), [1, 1, 100, 1])
    # a third of the way the exponent has fallen from 1 to 1/2
    np.testing.assert_allclose(class_weights(voxels, 1 / 3), [1, 1, 10, 1])
    np.testing.assert_allclose(class_weights(voxels, 2 / 3), np.ones(4))
    np.testing.assert_allclose(class_weights(voxels, 1.0), np.ones(4))


def test_priors_are_the_weighed_shares() -> None:
    # 8 background voxels, and two organs that weigh as much as the larger one: 2 of 12 each
    share = np.exp(prior_logits(np.array([8, 2, 1])))
    np.testing.assert_allclose(share, [8 / 12, 2 / 12, 2 / 12])


def test_the_prior_of_an_absent_class_is_small_but_finite() -> None:
    logits = prior_logits(np.array([1000, 10, 0]))
    assert np.isfinite(logits).all()
    assert logits[2] < logits[1] < logits[0]
