"""One model of a recipe through nnU-Net's training loop, resumable after an interruption."""

import ctypes
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hnseg_train.dataset import ORGANS, Case, model_folder, write_cases
from hnseg_train.recipes import ModelRecipe, Recipe, dataset_json, plans_json

SEED = 2019
"""Seed of weights, sampling and augmentation."""


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


def final_checkpoint(work: Path, recipe: Recipe, model: ModelRecipe) -> Path:
    """Where nnU-Net leaves the finished weights of a model."""
    run = f"HNSegTrainer__{recipe.name}__{model.configuration}"
    return work / "results" / f"hnseg_{model.name}" / run / "fold_all" / "checkpoint_final.pth"


def train(work: Path, recipe: Recipe, cases: Sequence[Case], device: str, names: Sequence[str]) -> None:
    """Preprocess and train the named models on all cases; what is finished already is kept.

    An interrupted training goes on from its last checkpoint. nnU-Net's log, curves and checkpoints lie under
    ``work/results``.
    """
    preprocessed = set_nnunet_folders(work)
    models = [model for model in recipe.models if model.name in names]
    write_cases(cases, models, preprocessed)
    for model in models:
        if not final_checkpoint(work, recipe, model).is_file():
            model_folder(preprocessed, model)
            _train_model(work, recipe, model, len(cases), device)


def _train_model(work: Path, recipe: Recipe, model: ModelRecipe, cases: int, device: str) -> None:
    _keep_freed_memory()
    # one loader in this process: samples come in a fixed order, and two cores have no room for workers
    os.environ.setdefault("nnUNet_n_proc_DA", "0" if device == "cpu" else "8")
    import torch

    from hnseg_train.trainer import HNSegTrainer

    latest = final_checkpoint(work, recipe, model).with_name("checkpoint_latest.pth")
    plans = plans_json(recipe, model, for_training=True)
    plans["continue_training"] = latest.is_file()
    torch.manual_seed(SEED)
    trainer = HNSegTrainer(
        plans, model.configuration, "all", dataset_json(model, ORGANS, cases), torch.device(device)
    )
    trainer.initialize()
    if latest.is_file():
        trainer.load_checkpoint(str(latest))
    # a resumed training must not see the samples of its first epochs again
    seed = SEED + trainer.current_epoch
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    trainer.run_training()


def _keep_freed_memory() -> None:
    """Let glibc reuse large blocks: faulting them in again slows CPU training."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        trim_threshold, mmap_max = -1, -4
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, -1)
