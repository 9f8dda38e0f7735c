"""Iterations a second of our trainer against nnU-Net's default one, in turns in one process.

    python benchmarks/training_speed.py

Writes ``results/training_speed.json`` and ``.md``. Both trainers get the same network, patch, batch size,
samples and number of loading processes; an iteration is drawing and augmenting a batch and one optimiser
step. What differs is what the trainers are: precision, layout, loss, augmentation and optimiser.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from record import Check, add_output_options, check_table, origin, origin_line, spread, write_result

from hnseg_train.dataset import write_samples
from hnseg_train.evaluation.table import markdown_table
from hnseg_train.phantom import generate
from hnseg_train.recipes import RECIPES, ModelRecipe, Recipe
from hnseg_train.training import ALL, recipe_job, set_nnunet_folders

SEED, CASES = 40, 2
"""The generated patients whose samples both trainers draw from."""

OURS, THEIRS = "HNSeg", "nnU-Net"


def main() -> int:
    """Measure, write, and return 1 when our trainer is the slower one of any model."""
    parser = argparse.ArgumentParser(description="Iterations a second of our trainer and of nnU-Net's.")
    parser.add_argument("--plan", choices=RECIPES, default="lite", help="(default: %(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=5, help="iterations a turn (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=4, help="of each trainer (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=0, help="loading processes (default: %(default)s)")
    add_output_options(parser, "training_speed")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.plan]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        set_nnunet_folders(work)
        os.environ.update(nnUNet_n_proc_DA=str(arguments.workers))
        prepare(recipe, work / "preprocessed")
        speeds = {model.name: measure(recipe, model, arguments) for model in recipe.models}
    checks = [
        Check(f"{name}: at least as fast as nnU-Net's", ratio(turns), ratio(turns) >= 1)
        for name, turns in speeds.items()
    ]
    passed = all(check.passed for check in checks)
    result = {
        "iterations_per_second": speeds,
        "ratio": {name: ratio(turns) for name, turns in speeds.items()},
        "workers": arguments.workers,
        "passed": passed,
        **origin(),
    }
    write_result(arguments, result, report(result, recipe, checks, arguments.device))
    return 0 if passed else 1


def prepare(recipe: Recipe, preprocessed: Path) -> None:
    """Write the samples of every model of the recipe."""
    for case in range(1, CASES + 1):
        phantom = generate(SEED, case)
        for model in recipe.models:
            labels = phantom.labels.array
            write_samples(str(case), phantom.ct, labels, model, preprocessed, organs=recipe.organs)


def measure(recipe: Recipe, model: ModelRecipe, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Iterations a second of each turn, by trainer; a first turn of each is not counted."""
    trainers = {name: trainer(name, recipe, model, arguments.device) for name in (OURS, THEIRS)}
    turns: dict[str, list[float]] = {name: [] for name in trainers}
    for turn in range(arguments.turns + 1):
        for name, started in trainers.items():
            speed = iterations_per_second(started, arguments.steps, arguments.device)
            if turn:
                turns[name].append(speed)
    return turns


def trainer(name: str, recipe: Recipe, model: ModelRecipe, device: str) -> Any:
    """A trainer that is ready for its first iteration."""
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    from hnseg_train.trainer import HNSegTrainer

    job = recipe_job(recipe, model, ALL, CASES)
    trainer_class = HNSegTrainer if name == OURS else nnUNetTrainer
    # nnU-Net talks about its devices, plans and packages that it misses
    with redirect_stdout(StringIO()):
        made = trainer_class(
            {**job.plans, "continue_training": False},
            job.configuration,
            ALL,
            dict(job.dataset),
            torch.device(device),
        )
        made.initialize()
        made.on_train_start()
        made.on_train_epoch_start()
    return made


def iterations_per_second(started: Any, steps: int, device: str) -> float:
    """Speed over so many iterations, samples included."""
    import torch

    start = perf_counter()
    for _ in range(steps):
        started.train_step(next(started.dataloader_train))
    if device == "cuda":
        torch.cuda.synchronize()
    return steps / (perf_counter() - start)


def ratio(turns: Mapping[str, list[float]]) -> float:
    """Our speed divided by nnU-Net's, the median of the turns."""
    return median(ours / theirs for ours, theirs in zip(turns[OURS], turns[THEIRS], strict=True))


def report(result: Mapping[str, Any], recipe: Recipe, checks: Sequence[Check], device: str) -> list[str]:
    """The result as lines of a Markdown page."""
    rows = []
    for model in recipe.models:
        turns = result["iterations_per_second"][model.name]
        sample = f"{model.batch_size} x {' x '.join(map(str, model.training_patch))}"
        rows.append((model.name, sample, spread(turns[OURS]), spread(turns[THEIRS]), f"{ratio(turns):.2f}"))
    return [
        "# Iterations a second in training",
        "",
        f"Plan `{recipe.name}`; the same networks, batches and samples, {result['workers']} loading "
        "processes; the two trainers in turns. Median and all turns:",
        "",
        *markdown_table(("model", "batch", "ours", "nnU-Net's default trainer", "ratio"), rows),
        "",
        *check_table(checks),
        "",
        "On a CPU ours computes in bfloat16 (nnU-Net has mixed precision for CUDA alone), in channels-last "
        "layout, with Dice and cross-entropy in one pass. It says nothing about how far an iteration brings "
        "a network.",
        "",
        origin_line(result, device),
    ]


if __name__ == "__main__":
    sys.exit(main())
