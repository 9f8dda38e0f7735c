"""A training shared by two processes; on the CPU, as no GPU is at hand where the tests run."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Volume
from hnseg_train.command import _device
from hnseg_train.dataset import write_samples
from hnseg_train.recipes import LITE
from hnseg_train.resumable_trainer import EpochReport
from hnseg_train.training import BASELINE_TRAINER, FINAL, LATEST, TRAINER, TrainingJob, recipe_job, train

SMALL = next(model for model in LITE.models if model.name == "3d_small")
MODEL = replace(
    SMALL,
    patch=(8, 16, 16),
    training_patch=(8, 16, 16),
    first_features=4,
    feature_cap=8,
    epochs=3,
    batch_size=3,
)
RECIPE = replace(LITE, name="shared", models=(MODEL,), iterations_per_epoch=2, checkpoint_every=1)


def job(**settings: Any) -> TrainingJob:
    plain = recipe_job(RECIPE, MODEL, "all", 1)
    configuration = {**plain.settings, "hnseg": {**plain.settings["hnseg"], **settings}}
    plans = {**plain.plans, "configurations": {plain.configuration: configuration}}
    return replace(plain, trainer="cpu_processes.CpuProcessesTrainer", plans=plans)


@pytest.fixture
def work(tmp_path: Path, small_head: Volume) -> Path:
    labels = np.zeros(small_head.array.shape, dtype=np.uint8)
    labels[22, 38:42, 30:34] = 8
    labels[20, 38:40, 31:33] = 11
    write_samples("1", small_head, labels, MODEL, tmp_path / "preprocessed")
    return tmp_path


def seen(folder: Path, rank: int) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((folder / f"seen_{rank}.json").read_text())
    return content


@pytest.mark.slow
def test_two_processes_share_the_batches_and_agree_on_the_weights(work: Path) -> None:
    reports: list[EpochReport] = []
    made = train(work, job(), "cpu", 0, reports.append, gpus=2)
    folder = job().folder(work)
    assert [report.epoch for report in reports] == [1, 2, 3]
    first, second = seen(folder, 0), seen(folder, 1)
    assert first["processes"] == second["processes"] == 2
    # a batch of three samples, two for one process and one for the other, in 3 x 2 iterations
    assert [size for size, _ in first["batches"]] == [2] * 6
    assert [size for size, _ in second["batches"]] == [1] * 6
    # each process draws samples of its own, and both take the same steps
    assert {total for _, total in first["batches"]}.isdisjoint({total for _, total in second["batches"]})
    np.testing.assert_array_equal(first["weights"], second["weights"])
    weights = torch.load(made[0], weights_only=False)["network_weights"]
    assert not any(name.startswith("module.") for name in weights)
    assert not (folder / LATEST).exists()


@pytest.mark.slow
def test_it_goes_on_from_the_last_checkpoint_of_one_process(work: Path) -> None:
    class PowerCutError(Exception):
        pass

    def stop(report: EpochReport) -> None:
        if report.epoch == 2:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        train(work, job(epochs=40), "cpu", 0, stop, gpus=2)
    folder = job().folder(work)
    assert (folder / LATEST).is_file()
    assert not (folder / FINAL).exists()
    reached = torch.load(folder / LATEST, weights_only=False)["current_epoch"]
    reports: list[EpochReport] = []
    train(work, job(epochs=reached + 1), "cpu", 0, reports.append, gpus=2)
    assert [report.epoch for report in reports] == [reached + 1]


@pytest.mark.slow
def test_when_one_process_fails_all_end(work: Path) -> None:
    with pytest.raises(Exception, match="no more memory"):
        train(work, job(fails_on_rank=1), "cpu", 0, lambda report: None, gpus=2)
    assert not (job().folder(work) / FINAL).exists()


@pytest.mark.parametrize(
    ("trainer", "batch", "gpus", "processes"),
    [
        (TRAINER, 3, 8, 3),
        (TRAINER, 11, 4, 4),
        # nnU-Net's own loss cannot be shared out unequally
        (BASELINE_TRAINER, 12, 8, 6),
        (BASELINE_TRAINER, 2, 8, 2),
    ],
)
def test_as_many_processes_as_the_batch_goes_round(
    trainer: str, batch: int, gpus: int, processes: int, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = job()
    plans = {**plain.plans, "configurations": {plain.configuration: {**plain.settings, "batch_size": batch}}}
    shared = replace(plain, trainer=trainer, plans=plans)
    asked: list[int] = []

    def run(function: Any, processes: int, device: str, tell: Any) -> None:
        asked.append(processes)
        folder = shared.folder(work)
        folder.mkdir(parents=True)
        torch.save({"network_weights": {}}, folder / FINAL)

    monkeypatch.setattr("hnseg_train.training.run_in_processes", run)
    train(work, shared, "cuda", 0, lambda report: None, gpus=gpus)
    assert asked == [processes]


@pytest.mark.parametrize(("name", "gpus"), [("auto", 0), ("auto", 3), ("cuda", 3), ("cpu", 2)])
def test_more_gpus_than_there_are_are_refused(name: str, gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(InputError, match=f"--gpus is {gpus}; accepted is 1, or up to"):
        _device(name, gpus)
