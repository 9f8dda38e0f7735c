"""Stages ``tables`` and ``combination``: how good each model is on unseen cases, and who provides what."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.formats import read_labels, write
from hnseg_infer.fusion import fuse
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

TABLES, COMBINATION = "tables", "combination"

FUSED = "fused"
"""What the tables call the fused result of all models."""

Scores = dict[str, dict[str, list[OrganScore]]]
"""By model and case."""


def tables_stage(road: Road) -> Stage:
    """Scores of every case, the fused result by the provider they give, its scores, the tables."""
    models = known_organs(road)
    every = tuple(value for value, _ in road.recipe.organs)

    def items() -> Iterator[Item]:
        for case in sorted(road.cases):
            inputs = {**road.case_inputs(case), "predictions": road.ledger.result(PREDICTIONS, case)}
            yield Item(case, inputs, partial(_score, road, case, models))
        for case in sorted(road.cases) if road.settings.baseline else ():
            item = baseline_item(case)
            inputs = {**road.case_inputs(case), "predictions": road.ledger.result(PREDICTIONS, item)}
            yield Item(item, inputs, partial(_score, road, case, dict.fromkeys(baselines(road), every)))
        published, groups = road.recipe.published_provider(), source_groups(road)
        provider = compare(read_scores(road, list(models)), published, groups=groups).provider
        for case in sorted(road.cases):
            made_from: dict[str, Any] = {"models": road.ledger.result(TABLES, case), "provider": provider}
            yield Item(f"{case}_{FUSED}", made_from, partial(_fuse, road, case, provider))
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
    """What the stage measured, by model and case."""
    return {model: read_model_scores(road.work, model, sorted(road.cases)) for model in models}


def read_model_scores(work: Path, model: str, cases: Sequence[str]) -> dict[str, list[OrganScore]]:
    """What the stage measured of one model, by case."""
    files = {case: _score_file(work, model, case) for case in cases}
    return {
        case: [OrganScore(**score) for score in json.loads(file.read_bytes())] for case, file in files.items()
    }


def source_groups(road: Road) -> dict[str, Group]:
    """Each case's source and the share that it has of the training."""
    return {name: Group(case.source.name, case.source.share) for name, case in road.cases.items()}


def read_provider(road: Road) -> dict[str, str]:
    """Organ name to model, as stage ``combination`` decided."""
    content: dict[str, Any] = json.loads(provider_file(road).read_bytes())
    return dict(content["provider"])


def provider_file(road: Road) -> Path:
    """Where the combination lies."""
    return road.work / "provider.json"


def fused_labels(road: Road, case: str, provider: Mapping[str, str]) -> Volume:
    """The stored predictions of a case fused, on the CT's grid."""
    ids = {name: value for value, name in road.recipe.organs}
    volumes = {
        model: read_labels(prediction_file(road, model, case)) for model in sorted(set(provider.values()))
    }
    labels: dict[str, NDArray[np.uint8]] = {model: volume.array for model, volume in volumes.items()}
    geometry = next(iter(volumes.values())).geometry
    return Volume(fuse(labels, {ids[organ]: model for organ, model in provider.items()}), geometry)


def _score(road: Road, case: str, models: Mapping[str, tuple[int, ...]]) -> Sequence[Path]:
    reference = read_labels(road.cases[case].label)
    files = []
    for model, organ_ids in models.items():
        prediction = read_labels(prediction_file(road, model, case))
        scores = score_case(prediction, reference, dict(road.recipe.organs))
        # what a model was never trained on is not a miss of its
        known = [score for score in scores if score.id in organ_ids]
        files.append(write_json(_score_file(road.work, model, case), [asdict(score) for score in known]))
    return files


def _fuse(road: Road, case: str, provider: Mapping[str, str]) -> Sequence[Path]:
    fused = fused_labels(road, case, provider)
    file = prediction_file(road, FUSED, case)
    file.parent.mkdir(parents=True, exist_ok=True)
    write(fused, file)
    scores = score_case(fused, read_labels(road.cases[case].label), dict(road.recipe.organs))
    return [file, write_json(_score_file(road.work, FUSED, case), [asdict(score) for score in scores])]


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
    content = {"margin": MARGIN, "provider": comparison.provider, "organs": organs}
    return [write_json(provider_file(road), content)]


def _score_file(work: Path, model: str, case: str) -> Path:
    return work / "scores" / model / f"{case}.json"
