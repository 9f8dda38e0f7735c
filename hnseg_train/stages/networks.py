"""Stages that train: the folds of each model, and in the end each model on all cases."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnseg_infer.errors import InputError
from hnseg_infer.files import write_whole
from hnseg_train.dataset import model_folder, sample_names
from hnseg_train.recipes import ModelRecipe
from hnseg_train.sampling import write_sampling
from hnseg_train.stages.clock import Clock, epoch_line
from hnseg_train.stages.data import PREPROCESS
from hnseg_train.stages.engine import Item, Stage
from hnseg_train.stages.plain_nnunet import baseline_jobs, fold_jobs
from hnseg_train.stages.records import file_sha256
from hnseg_train.stages.resources import check_resources
from hnseg_train.stages.road import Road
from hnseg_train.training import ALL, FINAL, SEED, TrainingJob, recipe_job, train

if TYPE_CHECKING:
    from hnseg_train.resumable_trainer import EpochReport

ROI_CENTERS, FINAL_MODELS = "roi-centres", "final-models"


def folds_stage_name(model: str) -> str:
    """The stage that trains the folds of one of the recipe's models."""
    return f"{model}-folds"


def samples_stage(model: ModelRecipe) -> str:
    """The stage that writes a model's samples."""
    return ROI_CENTERS if model.crop == "small_organ_roi" else PREPROCESS


def fold_item(model: str, fold: int | str) -> str:
    """The item that trains a model on a fold."""
    return f"{model}_fold_{fold}"


def folds_stage(road: Road, model: ModelRecipe) -> Stage:
    """One model, once per fold."""

    def items() -> Iterator[Item]:
        for fold in range(len(road.folds)):
            yield training_item(road, model, fold)
        for job, samples_of in fold_jobs(road, model):
            yield job_item(road, job, samples_of)

    makes = f"{road.settings.folds} x {model.name}, each without its fold, in WORK/results"
    needs = (samples_stage(model),)
    return Stage(folds_stage_name(model.name), needs, makes, items, partial(_check, road))


def final_models_stage(road: Road) -> Stage:
    """Every model of the recipe on all cases: what the bundle ships."""

    def items() -> Iterator[Item]:
        for model in road.recipe.models:
            yield training_item(road, model, ALL)

    makes = f"{', '.join(model.name for model in road.recipe.models)} trained on all cases, in WORK/results"
    needs = dict.fromkeys(samples_stage(model) for model in road.recipe.models)
    return Stage(FINAL_MODELS, tuple(needs), makes, items, partial(_check, road))


def all_jobs(road: Road) -> dict[str, TrainingJob]:
    """Every training of the road by the name of its item."""
    jobs = [
        recipe_job(road.recipe, model, fold, len(road.cases))
        for fold in (*range(len(road.folds)), ALL)
        for model in road.recipe.models
    ]
    return {fold_item(job.name, job.fold): job for job in (*jobs, *baseline_jobs(road))}


def training_item(road: Road, model: ModelRecipe, fold: int | str) -> Item:
    """The training of a model on all cases but a fold's."""
    start = road.settings.start
    checkpoint = None if start is None else start.checkpoints[model.name]
    return job_item(road, recipe_job(road.recipe, model, fold, len(road.cases), checkpoint), model)


def job_item(road: Road, job: TrainingJob, samples_of: ModelRecipe) -> Item:
    """The training of a job on the samples of one of the recipe's models."""
    stage = samples_stage(samples_of)
    inputs = {
        "trainer": job.trainer,
        "settings": job.settings,
        "labels": job.dataset["labels"],
        "seed": SEED,
        "held_out": () if job.fold == ALL else road.folds[int(job.fold)],
        "samples": {name: road.ledger.result(stage, name) for name in road.cases},
        **({"shares": road.shares} if len(road.shares) > 1 else {}),
        **({} if job.start is None else {"start": file_sha256(job.start)}),
    }
    name = fold_item(job.name, job.fold)
    return Item(name, inputs, partial(_train, road, job, samples_of), job.folder(road.work))


def _train(road: Road, job: TrainingJob, samples_of: ModelRecipe) -> Sequence[Path]:
    _write_splits(road, samples_of)
    item, clock = fold_item(job.name, job.fold), _clock(road)
    clock.begin(item, job)

    def tell(report: "EpochReport") -> None:
        road.say(epoch_line(item, report, *clock.remaining(item, report)))

    settings = road.settings
    made = train(road.work, job, settings.device, settings.workers, tell, settings.gpus)
    clock.finish(item)
    return made


@lru_cache(maxsize=1)
def _clock(road: Road) -> Clock:
    jobs = all_jobs(road).items()
    return Clock({name: job for name, job in jobs if not (job.folder(road.work) / FINAL).is_file()})


def _check(road: Road) -> None:
    jobs = list(all_jobs(road).values())
    road.say(check_resources(road.work, jobs, road.stored_voxels, road.settings.device))


def _write_splits(road: Road, model: ModelRecipe) -> None:
    """nnU-Net's splits_final.json, the samples of each fold's cases, and how often those are drawn."""
    stage = samples_stage(model)
    samples = {name: sample_names(road.ledger.files(stage, name), model) for name in road.cases}
    splits: list[dict[str, Any]] = []
    for held_out in road.folds:
        train_names = [s for name in sorted(road.cases) if name not in held_out for s in samples[name]]
        val_names = [s for name in held_out for s in samples[name]]
        if not train_names:
            raise InputError(
                f"No case but {', '.join(held_out)} has a sample for {model.name}; it needs some to train on."
            )
        # nnU-Net draws its pseudo Dice from somewhere: without a sample of the fold, from the training cases
        splits.append({"train": train_names, "val": val_names or train_names})
    folder = model_folder(road.preprocessed, model)
    write_whole(folder / "splits_final.json", [json.dumps(splits, indent=1).encode()])
    source = {sample: road.cases[name].source.name for name, of_case in samples.items() for sample in of_case}
    write_sampling(folder, source, road.shares)
