"""The networks that the claims need beside those of the training road: mirrored along x, and plain nnU-Net.

Both are trained without fold 0, on the samples that the road has written, as long as its 2D model. Labels are
``[z, y, x]``.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.checks import check_ct
from hnseg_infer.formats import read_ct
from hnseg_infer.volume import to_canonical
from hnseg_train.baseline import CaseGrid, baseline_job, plan_baseline, predict_baseline
from hnseg_train.cases import Case
from hnseg_train.dataset import scanned_part
from hnseg_train.recipes import ModelRecipe
from hnseg_train.stages.fold_models import load_fold, results_by_model
from hnseg_train.stages.road import Road
from hnseg_train.training import FINAL, TrainingJob, recipe_job, set_nnunet_folders, train

FOLD = 0

Labeller = Callable[[Case], NDArray[np.uint8]]


def mirrored(road: Road) -> Labeller:
    """Train the 2D model with mirroring along x; the function gives its labels of a case."""
    model = replace(two_d(road), mirror_axes=(1,))
    recipe = replace(road.recipe, name=f"{road.recipe.name}_mirrored", models=(model,))
    fit(road, recipe_job(recipe, model, FOLD, len(road.cases)))
    loaded = load_fold(Road(replace(road.settings, recipe=recipe), road.ledger), FOLD, (model.name,))

    def labels(case: Case) -> NDArray[np.uint8]:
        return results_by_model(case, loaded)[1][model.name].labels

    return labels


def plain_nnunet(road: Road) -> Labeller:
    """Train nnU-Net's 2D network as nnU-Net does; the function gives its predictor's labels of a case."""
    job = plain_job(road)
    fit(road, job)
    checkpoint = job.folder(road.work) / FINAL

    def labels(case: Case) -> NDArray[np.uint8]:
        ct, _ = check_ct(to_canonical(read_ct(case.ct)), str(case.ct))
        image, inside = scanned_part(two_d(road), ct)
        found = np.zeros(ct.geometry.shape, np.uint8)
        found[inside] = predict_baseline(job, checkpoint, image, road.settings.device)
        return found

    return labels


def plain_job(road: Road) -> TrainingJob:
    """nnU-Net's default plan and trainer with the patch, the batch and the features of our 2D model."""
    set_nnunet_folders(road.work)
    model, grids = two_d(road), road.grids
    cases = [CaseGrid(case.name, case.ct, case.label, *grids[case.name]) for case in road.cases.values()]
    plans = plan_baseline(road.work / "raw", road.preprocessed, cases, model, road.recipe.organs)
    settings = plans["2d"]
    settings["patch_size"], settings["batch_size"] = list(model.training_patch), model.batch_size
    arguments = settings["architecture"]["arch_kwargs"]
    arguments["features_per_stage"] = [
        min(model.first_features * 2**stage, model.feature_cap) for stage in range(arguments["n_stages"])
    ]
    # as long as our 2D model, not as the longest of the recipe's
    recipe = replace(road.recipe, name=f"{road.recipe.name}_plain", models=(model,), baseline_features=None)
    return baseline_job(recipe, model, plans, "nnunet_2d", FOLD, len(cases))


def two_d(road: Road) -> ModelRecipe:
    """The recipe's 2D model."""
    return next(model for model in road.recipe.models if model.name == "2d")


def fit(road: Road, job: TrainingJob) -> list[Path]:
    """Train to the end, or go on; a line per epoch."""
    print(f"{job.plans['plans_name']}: training", flush=True)
    return train(
        road.work,
        job,
        road.settings.device,
        road.settings.workers,
        lambda report: print(
            f"epoch {report.epoch}/{report.epochs}: loss {report.loss:.4f}, "
            f"pseudo Dice {report.pseudo_dice:.3f}, {report.seconds:.0f} s",
            flush=True,
        ),
    )
