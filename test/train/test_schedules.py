"""Learning-rate schedules against values worked out by hand."""

import numpy as np
import pytest

from hnseg_train.schedules import PATIENCE, class_weights, cycle_progress, plateau_rate, poly_rate


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


def test_poly_falls_from_the_initial_rate_to_zero() -> None:
    assert poly_rate(0, 3e-4) == 3e-4
    assert poly_rate(0.5, 3e-4, exponent=1.0) == pytest.approx(1.5e-4)
    assert poly_rate(1, 3e-4) == 0.0


def test_a_warm_restart_begins_a_second_cycle() -> None:
    assert [cycle_progress(epoch, 4, None) for epoch in range(4)] == [0, 0.25, 0.5, 0.75]
    assert [cycle_progress(epoch, 6, 4) for epoch in range(6)] == [0, 0.25, 0.5, 0.75, 0, 0.5]
    assert cycle_progress(3, 6, 0) == 0.5


def test_small_organs_weigh_more_at_first_and_the_same_in_the_end() -> None:
    voxels = np.array([10_000, 400, 4, 0])
    np.testing.assert_allclose(class_weights(voxels, 0.0), [1, 1, 10, 1])
    # a third of the way the exponent has fallen from 1/2 to 1/4
    np.testing.assert_allclose(class_weights(voxels, 1 / 3), [1, 1, np.sqrt(10), 1])
    np.testing.assert_allclose(class_weights(voxels, 2 / 3), np.ones(4))
    np.testing.assert_allclose(class_weights(voxels, 1.0), np.ones(4))
