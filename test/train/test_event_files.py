"""TensorBoard's event files, read back with its own reader."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hnseg_train import event_files
from hnseg_train.resumable_trainer import EpochReport


def report(epoch: int, loss: float) -> EpochReport:
    return EpochReport(epoch, 10, loss, 0.1, 1e-3, 3.0)


def curve(folder: Path, name: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder / event_files.FOLDER)).Reload()
    return [(event.step, round(event.value, 6)) for event in events.Scalars(name)]


def test_without_the_package_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "find_spec", lambda name: None)
    event_files.event_log(tmp_path, 0)(report(1, 0.5))
    assert not list(tmp_path.iterdir())


def test_every_epoch_is_in_every_curve(tmp_path: Path) -> None:
    log = event_files.event_log(tmp_path, 0)
    log(report(1, 0.5))
    log(report(2, 0.25))
    assert curve(tmp_path, "loss") == [(1, 0.5), (2, 0.25)]
    assert curve(tmp_path, "pseudo_dice") == [(1, 0.1), (2, 0.1)]
    assert curve(tmp_path, "learning_rate") == [(1, 1e-3), (2, 1e-3)]
    assert curve(tmp_path, "seconds") == [(1, 3.0), (2, 3.0)]


def test_a_resumed_training_drops_epochs_that_were_not_kept(tmp_path: Path) -> None:
    log = event_files.event_log(tmp_path, 0)
    for epoch in range(1, 8):
        log(report(epoch, 1.0))
    # killed in the eighth epoch, resumed from the checkpoint of the fifth
    event_files.event_log(tmp_path, 5)(report(6, 0.5))
    assert curve(tmp_path, "loss") == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0), (6, 0.5)]
