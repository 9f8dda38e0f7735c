"""Stages ``tables`` and ``combination``: how good each model is on unseen cases, and who provides what."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.formats import read_labels, write
from hnseg_infer.fusion import drop_strays, fuse
from hnseg_infer.pieces import STRAY_MM, remove_strays
from hnseg_infer.volume import Volume
from hnseg_train.evaluation.cases import MaskPair
from hnseg_train.evaluation.comparison import MARGIN, Comparison, Group, compare
from hnseg_train.evaluation.comparison_files import write_comparison
from hnseg_train.evaluation.evaluation_files import WORST, write_evaluation
from hnseg_train.evaluation.metrics import OrganScore, score_case
from hnseg_train.evaluation.worst_pictures import draw_worst
from hnseg_train.nnunet_plans import model_labels
from hnseg_train.stages.engine import Item, Stage
from hnseg_train.stages.plain_nnunet import baselines
from hnseg_train.stages.predictions import PREDICTIONS, baseline_item, prediction_file
from hnseg_train.stages.road import Road, remove_strangers, write_json
from hnseg_train.stages.scores import WITHOUT_STRAYS, Scores, read_best, write_scores

TABLES, COMBINATION = "tables", "combination"

FUSED = "fused"
"""What the tables call the fused result of all models."""


def tables_stage(road: Road) -> Stage:
    """Scores of every case, the fused result by the provider they give, its scores, the tables."""
    models = known_organs(road)
    every = tuple(value for value, _ in road.recipe.organs)

    def items() -> Iterator[Item]:
        for case in sorted(road.cases):
            yield Item(case, _score_inputs(road, case, case), partial(_score, road, case, models))
        for case in sorted(road.cases) if road.settings.baseline else ():
            item = baseline_item(case)
            inputs = _score_inputs(road, case, item)
            yield Item(item, inputs, partial(_score, road, case, dict.fromkeys(baselines(road), every)))
        provider, without_strays = choose_providers(road, sorted(road.cases))
        for case in sorted(road.cases):
            made_from: dict[str, Any] = {"models": road.ledger.result(TABLES, case), "provider": provider}
            made_from["without_strays"] = without_strays
            yield Item(f"{case}_{FUSED}", made_from, partial(_fuse, road, case, provider, without_strays))
        scored = [road.ledger.result(TABLES, f"{case}_{FUSED}") for case in sorted(road.cases)]
        if road.settings.baseline:
            scored += [road.ledger.result(TABLES, baseline_item(case)) for case in sorted(road.cases)]
        yield Item("tables", {"scores": scored}, partial(_write_tables, road, list(models)))

    return Stage(TABLES, (PREDICTIONS,), "WORK/tables: comparison of the models, tables of each", items)


def combination_stage(road: Road) -> Stage:
    """provider.json, which the bundle is made with."""
    models = list(known_organs(road))

    def items() -> Iterator[Item]:
        shares = {"shares": road.shares} if len(road.shares) > 1 else {}
        inputs = {"tables": road.ledger.result(TABLES, "tables"), "margin": MARGIN, **shares}
        yield Item("provider", inputs, partial(_write_provider, road, models))

    return Stage(COMBINATION, (TABLES,), "WORK/provider.json: each organ's model, and by how much", items)


def known_organs(road: Road) -> dict[str, tuple[int, ...]]:
    """The organ ids that each model of the recipe segments."""
    organs = road.recipe.organs
    ids = {name: value for value, name in organs}
    return {
        model.name: tuple(ids[organ] for organ in model_labels(model, organs)) for model in road.recipe.models
    }


def shown_models(road: Road) -> list[str]:
    """What the tables compare: the recipe's models, what they come to together, and the baselines."""
    return [*known_organs(road), FUSED, *baselines(road)]


def read_scores(road: Road, models: Sequence[str]) -> Scores:
    """What the stage measured, by model and case; without strays where that is not worse (scores.py)."""
    cases, groups = sorted(road.cases), source_groups(road)
    return {model: read_best(road.work, model, cases, groups)[0] for model in models}


def choose_providers(road: Road, cases: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Each organ's model by the stored scores of these cases, and the organs that it gives without strays."""
    groups = source_groups(road)
    best = {model: read_best(road.work, model, cases, groups) for model in known_organs(road)}
    scores = {model: of_model for model, (of_model, _) in best.items()}
    provider = compare(scores, road.recipe.published_provider(), groups=groups).provider
    return provider, [organ for organ, model in provider.items() if organ in best[model][1]]


def source_groups(road: Road) -> dict[str, Group]:
    """Each case's source and the share that it has of the training."""
    return {name: Group(case.source.name, case.source.share) for name, case in road.cases.items()}


def read_provider(road: Road) -> dict[str, str]:
    """Organ name to model, as stage ``combination`` decided."""
    content: dict[str, Any] = json.loads(provider_file(road).read_bytes())
    return dict(content["provider"])


def read_without_strays(road: Road) -> list[str]:
    """The organs that lose their strays, as stage ``combination`` decided."""
    content: dict[str, Any] = json.loads(provider_file(road).read_bytes())
    return list(content["without_strays"])


def provider_file(road: Road) -> Path:
    """Where the combination lies."""
    return road.work / "provider.json"


def fused_labels(
    road: Road, case: str, provider: Mapping[str, str], without_strays: Collection[str]
) -> Volume:
    """The stored predictions of a case fused, on the CT's grid, some organs without strays."""
    ids = {name: value for value, name in road.recipe.organs}
    volumes = {
        model: read_labels(prediction_file(road, model, case)) for model in sorted(set(provider.values()))
    }
    labels: dict[str, NDArray[np.uint8]] = {model: volume.array for model, volume in volumes.items()}
    geometry = next(iter(volumes.values())).geometry
    by_id = {ids[organ]: model for organ, model in provider.items()}
    organs = [ids[organ] for organ in without_strays]
    return Volume(fuse(drop_strays(labels, by_id, organs, geometry.spacing_zyx), by_id), geometry)


def _score_inputs(road: Road, case: str, item: str) -> dict[str, Any]:
    predictions = road.ledger.result(PREDICTIONS, item)
    return {**road.case_inputs(case), "predictions": predictions, "stray_mm": STRAY_MM}


def _score(road: Road, case: str, models: Mapping[str, tuple[int, ...]]) -> Sequence[Path]:
    reference = read_labels(road.cases[case].label)
    files = []
    for model, organ_ids in models.items():
        prediction = read_labels(prediction_file(road, model, case))
        # what a model was never trained on is not a miss of its
        scores = _score_organs(road, prediction, reference, organ_ids)
        files.append(write_scores(road.work, model, case, scores))
        alone = remove_strays(prediction.array, organ_ids, prediction.geometry.spacing_zyx)
        with_strays = np.unique(prediction.array[alone != prediction.array]).tolist()
        if with_strays:
            again = _score_organs(road, replace(prediction, array=alone), reference, with_strays)
            without = {score.id: score for score in again}
            scores = [without.get(score.id, score) for score in scores]
        files.append(write_scores(road.work, f"{model}/{WITHOUT_STRAYS}", case, scores))
    return files


def _score_organs(
    road: Road, prediction: Volume, reference: Volume, organ_ids: Collection[int]
) -> list[OrganScore]:
    """Of these organs alone."""
    kept = [
        replace(volume, array=np.where(np.isin(volume.array, list(organ_ids)), volume.array, 0))
        for volume in (prediction, reference)
    ]
    names = {value: name for value, name in road.recipe.organs if value in organ_ids}
    return score_case(kept[0], kept[1], names)


def _fuse(
    road: Road, case: str, provider: Mapping[str, str], without_strays: Collection[str]
) -> Sequence[Path]:
    fused = fused_labels(road, case, provider, without_strays)
    file = prediction_file(road, FUSED, case)
    file.parent.mkdir(parents=True, exist_ok=True)
    write(fused, file)
    scores = score_case(fused, read_labels(road.cases[case].label), dict(road.recipe.organs))
    return [file, write_scores(road.work, FUSED, case, scores)]


def _comparison(road: Road, models: Sequence[str]) -> tuple[Scores, Comparison]:
    scores = read_scores(road, shown_models(road))
    published, groups = road.recipe.published_provider(), source_groups(road)
    return scores, compare(scores, published, candidates=models, groups=groups)


def _write_tables(road: Road, models: Sequence[str]) -> Sequence[Path]:
    scores, comparison = _comparison(road, models)
    out = road.work / "tables"
    write_comparison(scores, comparison, out)
    pairs = [
        MaskPair(name, prediction_file(road, FUSED, name), case.label, case.ct)
        for name, case in sorted(road.cases.items())
    ]
    for model, cases in scores.items():
        pictures = draw_worst(pairs, cases) if model == FUSED else {}
        remove_strangers(out / model / WORST, [out / model / WORST / name for name in pictures])
        write_evaluation(cases, pictures, out / model)
        for source, names in road.by_source.items() if len(road.by_source) > 1 else ():
            write_evaluation({name: cases[name] for name in names}, {}, out / "by_source" / source / model)
    return sorted(path for path in out.rglob("*") if path.is_file() and not path.name.startswith("."))


def _write_provider(road: Road, models: Sequence[str]) -> Sequence[Path]:
    _, comparison = _comparison(road, models)
    organs = [
        {
            "id": organ.id,
            "name": organ.name,
            "provider": organ.provider,
            "runner_up": organ.runner_up,
            "margin_dsc": organ.margin,
            "wilcoxon_p": organ.p,
            "decided_by": organ.reason,
            "mean_dsc": {m: s.dsc.mean if s.dsc else None for m, s in organ.by_model.items()},
        }
        for organ in comparison.organs
    ]
    content = {
        "margin": MARGIN,
        "provider": comparison.provider,
        "without_strays": choose_providers(road, sorted(road.cases))[1],
        "organs": organs,
    }
    return [write_json(provider_file(road), content)]
