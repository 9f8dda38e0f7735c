"""Stages ``data-check`` and ``preprocess``: from labelled CTs to the data sets that nnU-Net loads."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hnseg_infer.errors import InputError
from hnseg_train.cases import training_versions
from hnseg_train.cohort_check import check_cohort, summary, write_report
from hnseg_train.cohort_check.report import JSON_NAME, MARKDOWN_NAME
from hnseg_train.dataset import write_samples
from hnseg_train.recipes import ModelRecipe
from hnseg_train.stages.engine import Item, Stage
from hnseg_train.stages.plain_nnunet import plan_item
from hnseg_train.stages.road import ROAD_VERSION, Road, remove_strangers, sampling_inputs

DATA_CHECK, PREPROCESS = "data-check", "preprocess"


def data_check_stage(road: Road) -> Stage:
    """Everything wrong with the data in one report; an error ends the road here."""

    def items() -> Iterator[Item]:
        inputs: dict[str, Any] = {"version": ROAD_VERSION, "files": road.data_files}
        contoured = {source.name: source.contoured for source in road.settings.sources if source.contoured}
        inputs |= {"organs": road.recipe.organs, **({"contoured": contoured} if contoured else {})}
        yield Item("report", inputs, partial(_check, road))

    return Stage(DATA_CHECK, (), f"{JSON_NAME} and {MARKDOWN_NAME} in WORK/data_check", items)


def preprocess_stage(road: Road) -> Stage:
    """The data sets of the models that see a CT without help from another one."""
    models = [model for model in road.recipe.models if model.crop != "small_organ_roi"]

    def items() -> Iterator[Item]:
        for name in road.cases:
            inputs = {
                **road.training_inputs(name),
                "models": {m.name: sampling_inputs(road.recipe, m) for m in models},
            }
            yield Item(name, inputs, partial(_write, road, name, models))
        if road.settings.baseline:
            yield plan_item(road)
        files = {path for name in road.cases for path in road.ledger.files(PREPROCESS, name)}
        for model in models:
            remove_strangers(road.preprocessed / f"hnseg_{model.name}" / model.name, sorted(files))

    names = " and ".join(model.name for model in models)
    return Stage(PREPROCESS, (DATA_CHECK,), f"nnU-Net data sets of {names} in WORK/preprocessed", items)


def _check(road: Road) -> Sequence[Path]:
    resampled = all(model.spacing is not None for model in road.recipe.models)
    files, faults = [], []
    for source in road.settings.sources:
        folder = road.check_folder(source)
        report = check_cohort(
            source.folder,
            dict(road.recipe.organs),
            resampled=resampled or source.spacing is not None,
            contoured=source.contoured,
        )
        write_report(report, folder)
        files += [folder / JSON_NAME, folder / MARKDOWN_NAME]
        if report.errors:
            faults.append(f"{summary(report).rstrip('.')}; {folder / MARKDOWN_NAME} tells more.")
        else:
            road.say(summary(report))
    if faults:
        raise InputError(" ".join(faults))
    return files


def _write(road: Road, name: str, models: Sequence[ModelRecipe]) -> Sequence[Path]:
    case, organs = road.cases[name], road.recipe.organs
    unknown = case.uncontoured(organs)
    return [
        file
        for version, ct, labels in training_versions(case, organs)
        for model in models
        for file in write_samples(version, ct, labels, model, road.preprocessed, None, unknown, organs)
    ]
