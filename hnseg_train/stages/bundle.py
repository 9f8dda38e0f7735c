"""Stages ``export`` and ``verify``: the bundle with its card, and proof that it does what was measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import HNSegError
from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.loaded_bundle import load
from hnseg_infer.pipeline import segment
from hnseg_infer.report import Prediction
from hnseg_infer.review.anatomy import Anatomy
from hnseg_infer.review.measure import measure_organs
from hnseg_infer.volume import to_canonical
from hnseg_train.anatomy import training_anatomy
from hnseg_train.export import ROI_FROM, export_bundle
from hnseg_train.recipes import ModelRecipe, Recipe
from hnseg_train.stages.card import card_page, make_card
from hnseg_train.stages.engine import Item, Stage
from hnseg_train.stages.fold_models import export_fold
from hnseg_train.stages.networks import FINAL_MODELS, fold_item
from hnseg_train.stages.predictions import PREDICTIONS, read_entropies
from hnseg_train.stages.road import Road, write_json
from hnseg_train.stages.tables import COMBINATION, TABLES, fused_labels, read_provider, read_without_strays
from hnseg_train.training import ALL

EXPORT, VERIFY = "export", "verify"

AGREEMENT = 0.999
"""Least part of the labelled voxels that the exported fold must share with what was stored.

On a CPU they are the same; on a GPU sums may come in another order.
"""


def export_stage(road: Road) -> Stage:
    """The final models that the combination uses, and the card, as a bundle."""

    def items() -> Iterator[Item]:
        settings = road.settings
        inputs = {
            "weights": {
                model.name: road.ledger.result(FINAL_MODELS, fold_item(model.name, ALL))
                for model in road.recipe.models
            },
            "provider": road.ledger.result(COMBINATION, "provider"),
            "tables": road.ledger.result(TABLES, "tables"),
            "trained_on": settings.trained_on,
            "bundle": str(settings.bundle.resolve()),
            "holds": "used models",
            "cases": [road.case_inputs(case) for case in sorted(road.cases)],
        }
        yield Item("bundle", inputs, partial(_export, road))

    return Stage(EXPORT, (FINAL_MODELS, COMBINATION), "the bundle, with bundle.json and CARD.md", items)


def verify_stage(road: Road) -> Stage:
    """The exported models reproduce the cross-validation on one case, and the bundle segments one."""

    def items() -> Iterator[Item]:
        case = road.folds[0][0]
        inputs = {
            "bundle": road.ledger.result(EXPORT, "bundle"),
            "predictions": road.ledger.result(PREDICTIONS, case),
        }
        yield Item("report", inputs, partial(_verify, road, case))

    return Stage(VERIFY, (EXPORT, PREDICTIONS), "WORK/verify: report and the case's labels", items)


def _export(road: Road) -> Sequence[Path]:
    card = make_card(road)
    provider = read_provider(road)
    export_bundle(
        road.work,
        replace(road.recipe, models=used_models(road.recipe, provider)),
        road.settings.bundle,
        trained_on=road.settings.trained_on,
        cases=len(road.cases),
        provider=provider,
        card=(card, card_page(card)),
        spacing=road.trained_spacing,
        anatomy=_anatomy(road, provider),
        without_strays=read_without_strays(road),
    )
    return sorted(path for path in road.settings.bundle.rglob("*") if path.is_file())


def used_models(recipe: Recipe, provider: Mapping[str, str]) -> tuple[ModelRecipe, ...]:
    """The models that provide an organ or say where another one looks; others would only take time."""
    wanted = set(provider.values())
    if any(model.crop == "small_organ_roi" and model.name in wanted for model in recipe.models):
        wanted.add(ROI_FROM)
    return tuple(model for model in recipe.models if model.name in wanted)


def _anatomy(road: Road, provider: Mapping[str, str]) -> Anatomy:
    """Of every case's contours; entropies of each organ's provider when it had not seen the case."""
    organs = dict(road.recipe.organs)
    patients, entropies = [], []
    for case in sorted(road.cases):
        labels = to_canonical(read_labels(road.cases[case].label))
        measured = measure_organs(np.asarray(labels.array, np.uint8), labels.geometry, organs)
        patients.append({organs[value]: organ for value, organ in measured.items()})
        found = read_entropies(road, case)
        entropies.append(
            {organ: found[model][organ] for organ, model in provider.items() if organ in found[model]}
        )
    return training_anatomy(patients, entropies)


def _verify(road: Road, case: str) -> Sequence[Path]:
    ct = read_ct(road.cases[case].ct)
    provider = read_provider(road)
    names = tuple(model.name for model in road.recipe.models)
    fold = road.fold_of(case)
    without_strays = read_without_strays(road)
    folder = road.work / "bundles" / f"verify_fold_{fold}"
    exported = export_fold(road, fold, names, folder, provider, without_strays)
    again = segment(ct, bundle=exported, device=road.settings.device)
    stored = fused_labels(road, case, provider, without_strays)
    labelled = (again.labels.array > 0) | (stored.array > 0)
    different = int(np.count_nonzero(again.labels.array != stored.array))
    if different > (1 - AGREEMENT) * np.count_nonzero(labelled):
        raise HNSegError(
            f"The exported models of fold {fold} label {different} voxels of case {case} otherwise than "
            f"stage {PREDICTIONS} did; accepted are {1 - AGREEMENT:.1%} of the labelled voxels."
        )
    final = segment(ct, bundle=load(load_bundle(road.settings.bundle), road.settings.device))
    folder = road.work / "verify"
    folder.mkdir(exist_ok=True)
    write(final.labels, folder / f"{case}.nii.gz")
    report = {
        "case": case,
        "fold": fold,
        "labelled_voxels": int(np.count_nonzero(labelled)),
        "voxels_unlike_the_stored_prediction": different,
        "device": final.device,
        "bundle": final.bundle_name,
        "organs_found_by_the_bundle": _found(final),
    }
    road.say(f"{VERIFY}: {different} of {report['labelled_voxels']} voxels differ in case {case}")
    return [write_json(folder / "report.json", report), folder / f"{case}.nii.gz"]


def _found(prediction: Prediction) -> list[str]:
    return [organ.name for organ in prediction.organs if organ.volume_cm3 > 0]
