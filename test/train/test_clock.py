"""Time left, from epochs that took known times."""

from dataclasses import replace

import pytest

from hnseg_train.recipes import LITE
from hnseg_train.resumable_trainer import EpochReport
from hnseg_train.stages.clock import Clock, duration, epoch_cost, epoch_line
from hnseg_train.training import recipe_job

TWO_D, SMALL, _ = LITE.models
JOBS = {
    "2d_fold_0": recipe_job(LITE, TWO_D, 0, 4),
    "2d_fold_1": recipe_job(LITE, TWO_D, 1, 4),
    "3d_small_fold_0": recipe_job(LITE, SMALL, 0, 4),
}


def report(epoch: int, epochs: int, seconds: float) -> EpochReport:
    return EpochReport(epoch, epochs, -0.25, 0.5, 1e-3, seconds)


def test_an_epoch_costs_voxels_times_features_squared() -> None:
    # 50 iterations of 6 patches of 256 x 256 voxels with 16 features
    assert epoch_cost(JOBS["2d_fold_0"]) == 50 * 6 * 256 * 256 * 16**2
    wide = recipe_job(LITE, replace(TWO_D, first_features=32), 0, 4)
    assert epoch_cost(wide) == 4 * epoch_cost(JOBS["2d_fold_0"])


def test_time_left_counts_this_training_and_all_others() -> None:
    clock = Clock(JOBS)
    own, whole = clock.remaining("2d_fold_0", report(4, 36, 10.0))
    assert own == 320
    # the other fold: 36 epochs of 10 s; 3d-small: 24 epochs, as long as their cost says
    small = 10.0 * epoch_cost(JOBS["3d_small_fold_0"]) / epoch_cost(JOBS["2d_fold_0"])
    assert whole == pytest.approx(320 + 360 + 24 * small)
    clock.finish("2d_fold_0")
    # an epoch of 20 s after many of 10 s: 13 s are reckoned with
    assert clock.remaining("2d_fold_1", report(35, 36, 20.0))[0] == pytest.approx(13)


def test_a_training_that_was_thought_done_may_start_anew() -> None:
    clock = Clock({})
    clock.begin("2d_fold_0", JOBS["2d_fold_0"])
    assert clock.remaining("2d_fold_0", report(6, 36, 10.0)) == (300, 300)


def test_durations_are_short() -> None:
    assert [duration(seconds) for seconds in (40.4, 600, 4 * 3600 + 300, 51 * 3600)] == [
        "40 s",
        "10 min",
        "4 h 05 min",
        "2 d 3 h",
    ]


def test_one_line_an_epoch() -> None:
    assert epoch_line("2d_fold_0", report(2, 54, 9.96), 60, 7200) == (
        "2d_fold_0: epoch 2/54, loss -0.2500, pseudo Dice 0.500, learning rate 1.0e-03, 10.0 s; "
        "at most 60 s left, 2 h 00 min with all other models"
    )
