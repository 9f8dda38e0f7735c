"""The baseline's part of the stages: nnU-Net's plan, its trainings on the folds, its predictions."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hnseg_infer.checks import check_ct
from hnseg_infer.formats import read_ct, write
from hnseg_infer.volume import from_canonical, to_canonical
from hnseg_train.baseline import CONFIGURATIONS, CaseGrid, baseline_job, plan_baseline, predict_baseline
from hnseg_train.dataset import scanned_part
from hnseg_train.recipes import ModelRecipe
from hnseg_train.stages.engine import Item
from hnseg_train.stages.road import Road, sampling_inputs, write_json
from hnseg_train.training import FINAL, TrainingJob, set_nnunet_folders

BESIDE = {"nnunet_2d": "2d", "nnunet_3d": "3d"}
"""Beside which of the recipe's models each baseline is trained."""


def baselines(road: Road) -> list[str]:
    """The baselines that were asked for."""
    return list(CONFIGURATIONS) if road.settings.baseline else []


def plan_item(road: Road) -> Item:
    """nnU-Net's own plan for the data."""
    inputs = {"grids": road.grids, "samples": sampling_inputs(road.recipe, _whole(road))}
    return Item("nnunet_plan", inputs, partial(_plan, road))


def fold_jobs(road: Road, model: ModelRecipe) -> Iterator[tuple[TrainingJob, ModelRecipe]]:
    """The baseline's trainings beside one of the recipe's models, each with the owner of its samples."""
    for job in baseline_jobs(road):
        if BESIDE[job.name] == model.name:
            yield job, _whole(road)


def baseline_jobs(road: Road) -> list[TrainingJob]:
    """All trainings of the baseline; the plan must have been made."""
    if not road.settings.baseline:
        return []
    plans = json.loads(_plan_file(road).read_bytes())
    return [
        baseline_job(road.recipe, _whole(road), plans, name, fold, len(road.cases))
        for name in CONFIGURATIONS
        for fold in range(len(road.folds))
    ]


def predict(road: Road, case: str, files: dict[str, Path]) -> Sequence[Path]:
    """Write each baseline's labels of a case that it has not seen to its file."""
    stored = read_ct(road.cases[case].ct)
    ct, _ = check_ct(to_canonical(stored), str(road.cases[case].ct))
    # it was trained on that model's samples
    image, inside = scanned_part(_whole(road), ct)
    for job in baseline_jobs(road):
        if job.fold == road.fold_of(case):
            checkpoint = job.folder(road.work) / FINAL
            labels = np.zeros(ct.geometry.shape, np.uint8)
            labels[inside] = predict_baseline(job, checkpoint, image, road.settings.device)
            files[job.name].parent.mkdir(parents=True, exist_ok=True)
            write(from_canonical(labels, stored.geometry), files[job.name])
    return list(files.values())


def _whole(road: Road) -> ModelRecipe:
    return next(model for model in road.recipe.models if model.crop == "whole")


def _plan(road: Road) -> Sequence[Path]:
    set_nnunet_folders(road.work)
    grids = road.grids
    cases = [CaseGrid(case.name, case.ct, case.label, *grids[case.name]) for case in road.cases.values()]
    plans = plan_baseline(road.work / "raw", road.preprocessed, cases, _whole(road), road.recipe.organs)
    return [write_json(_plan_file(road), plans)]


def _plan_file(road: Road) -> Path:
    return road.preprocessed / "nnunet_plan.json"
