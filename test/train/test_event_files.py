"""What goes into TensorBoard's event files, with a stand-in for the package."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hnseg_train import event_files
from hnseg_train.resumable_trainer import EpochReport


def test_without_the_package_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "find_spec", lambda name: None)
    event_files.event_log(tmp_path, 0)(EpochReport(1, 2, 0.5, 0.1, 1e-3, 3.0))
    assert not list(tmp_path.iterdir())


def test_every_epoch_gives_its_curves_and_a_resumed_run_drops_what_was_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[object, ...]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            said.append((Path(folder).name, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            said.append((name, value, step))

        def flush(self) -> None:
            said.append(("flush",))

    monkeypatch.setattr(event_files, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    event_files.event_log(tmp_path, 5)(EpochReport(6, 10, 0.5, 0.1, 1e-3, 3.0))
    assert said == [
        ("events", 6),
        ("loss", 0.5, 6),
        ("pseudo_dice", 0.1, 6),
        ("learning_rate", 1e-3, 6),
        ("seconds", 3.0, 6),
        ("flush",),
    ]
