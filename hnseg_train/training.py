"""One network on one fold through nnU-Net's training loop, going on where an interruption left it."""

import ctypes
import hashlib
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnseg_infer.checkpoint import read_checkpoint
from hnseg_infer.files import write_whole
from hnseg_train.event_files import event_log
from hnseg_train.nnunet_plans import dataset_json, plans_json
from hnseg_train.recipes import ModelRecipe, Recipe
from hnseg_train.several_gpus import run_in_processes

if TYPE_CHECKING:
    from hnseg_train.resumable_trainer import EpochReport

ALL = "all"
"""The fold that trains on every case."""

SEED = 2019
"""Seed of weights, sampling and augmentation."""

LATEST, FINAL = "checkpoint_latest.pth", "checkpoint_final.pth"

WEIGHTS = "weights.sha256"
"""Beside the final checkpoint: the checksum of its weights, which two equal trainings share."""

TRAINER, BASELINE_TRAINER = "hnseg_train.trainer.HNSegTrainer", "hnseg_train.baseline_trainer.BaselineTrainer"


@dataclass(frozen=True)
class TrainingJob:
    """What to train. name: the model's. trainer: class path. fold: 0, 1, ... or ``all``.

    plans and dataset are nnU-Net's files; the plans' data set name is a folder of ``WORK/preprocessed``.
    start: checkpoint of a bundle whose weights it starts from, None for random ones.
    """

    name: str
    trainer: str
    plans: Mapping[str, Any]
    configuration: str
    dataset: Mapping[str, Any]
    fold: int | str
    start: Path | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration that the network is trained with."""
        return dict(self.plans["configurations"][self.configuration])

    def folder(self, work: Path) -> Path:
        """Where nnU-Net leaves checkpoints, log and curve."""
        run = f"{self.trainer.rpartition('.')[2]}__{self.plans['plans_name']}__{self.configuration}"
        return work / "results" / str(self.plans["dataset_name"]) / run / f"fold_{self.fold}"


def recipe_job(
    recipe: Recipe, model: ModelRecipe, fold: int | str, cases: int, start: Path | None = None
) -> TrainingJob:
    """The training of one of a recipe's models on so many cases."""
    return TrainingJob(
        name=model.name,
        trainer=TRAINER,
        plans=plans_json(recipe, model, for_training=True),
        configuration=model.configuration,
        dataset=dataset_json(model, recipe.organs, cases),
        fold=fold,
        start=start,
    )


def final_checkpoint(work: Path, recipe: Recipe, model: ModelRecipe, fold: int | str = ALL) -> Path:
    """Where nnU-Net leaves the finished weights of a model."""
    return recipe_job(recipe, model, fold, 0).folder(work) / FINAL


def set_nnunet_folders(work: Path) -> Path:
    """Point nnU-Net at the work folder (it reads environment variables); returns the preprocessed folder."""
    for variable, name in (
        ("nnUNet_raw", "raw"),
        ("nnUNet_preprocessed", "preprocessed"),
        ("nnUNet_results", "results"),
    ):
        folder = work / name
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(folder)
    return work / "preprocessed"


def train(
    work: Path,
    job: TrainingJob,
    device: str,
    workers: int,
    tell: Callable[["EpochReport"], None],
    gpus: int = 1,
) -> list[Path]:
    """Train a job to its end and return what later work needs: the final checkpoint and its checksum.

    Goes on from the latest checkpoint in the job's folder; a finished training is not repeated. device:
    ``cuda`` or ``cpu``. workers: processes that load and augment; 0 loads in this process, in a fixed order.
    gpus: that share each batch, as far as it goes round; nnU-Net's own trainer takes equal shares alone.
    """
    folder = job.folder(work)
    if not (folder / FINAL).is_file():
        set_nnunet_folders(work)
        run = partial(_run, job, folder, device, workers)
        batch, any_share = job.settings["batch_size"], job.trainer != BASELINE_TRAINER
        shares = [n for n in range(1, min(gpus, batch) + 1) if any_share or batch % n == 0]
        processes = shares[-1]
        if processes > 1:
            run_in_processes(run, processes, device, tell)
        else:
            run(tell)
    (folder / LATEST).unlink(missing_ok=True)
    write_whole(folder / WEIGHTS, [_weights_checksum(folder / FINAL).encode()])
    return [folder / FINAL, folder / WEIGHTS]


def _run(
    job: TrainingJob, folder: Path, device: str, workers: int, tell: Callable[["EpochReport"], None]
) -> None:
    import torch

    _keep_freed_memory()
    os.environ.update(nnUNet_n_proc_DA=str(workers))
    if workers:
        _forks_end_with_this_process()
    module, _, name = job.trainer.rpartition(".")
    latest = folder / LATEST
    plans = {**job.plans, "continue_training": latest.is_file()}
    trainer_class = getattr(import_module(module), name)
    # nnU-Net says which device it uses; the terminal gets one line an epoch
    with redirect_stdout(StringIO()):
        trainer = trainer_class(plans, job.configuration, job.fold, dict(job.dataset), torch.device(device))
        trainer.initialize()
    if latest.is_file():
        trainer.load_checkpoint(str(latest))
    elif job.start is not None:
        trainer.start_from(read_checkpoint(job.start)["network_weights"])
    if trainer.local_rank == 0:
        log = event_log(folder, trainer.current_epoch)

        def log_and_tell(report: "EpochReport") -> None:
            log(report)
            tell(report)

        trainer.tell = log_and_tell
    trainer.run_training()


def _weights_checksum(checkpoint: Path) -> str:
    import torch

    # our own trainer wrote this file, with its optimiser and log in it
    weights = torch.load(checkpoint, map_location="cpu", weights_only=False)["network_weights"]
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


@cache
def _forks_end_with_this_process() -> None:
    """Let the kernel end loading processes with this one: after kill -9 they would wait for ever."""
    os.register_at_fork(after_in_child=end_with_parent)


def end_with_parent() -> None:
    """Let the kernel end this process with the one that started it."""
    libc = ctypes.CDLL(None)
    set_death_signal = 1
    if hasattr(libc, "prctl"):
        libc.prctl(set_death_signal, int(signal.SIGKILL))


def _keep_freed_memory() -> None:
    """Let glibc reuse large blocks: faulting them in again slows CPU training."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        trim_threshold, mmap_max = -1, -4
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, -1)
