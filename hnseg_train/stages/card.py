"""The bundle card: what the weights come from, how good they were on unseen cases, what they are for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hnseg_infer import __version__
from hnseg_infer.report import NOT_FOR_CLINICAL_USE
from hnseg_train.cohort import ORDER_SEED
from hnseg_train.evaluation.cohort import summarise, summarise_organs
from hnseg_train.evaluation.metrics import DSC, HD95, NSD
from hnseg_train.evaluation.table import markdown_table, number
from hnseg_train.stages.records import file_sha256
from hnseg_train.stages.road import Road
from hnseg_train.stages.source_figures import source_figures, source_lines
from hnseg_train.stages.tables import FUSED, read_provider, read_scores, read_without_strays, shown_models
from hnseg_train.training import SEED, final_checkpoint

PACKAGES = ("torch", "nnunetv2", "batchgeneratorsv2", "numpy", "scipy", "SimpleITK")
"""Whose versions the card names."""

LICENCE = "Code: Apache-2.0. The weights are bound by the terms of the data that they were trained on."

_COUNTS = ("epochs", "iterations", "batch_size")

LIMITS = (
    "The scores are those of models that had not seen the case; the models in the bundle were trained on all "
    "cases and have not been scored on others.",
    "Who provides which organ was chosen on the same cases as the scores of the fused result.",
    "CTs unlike the data in field of view, resolution or anatomy are segmented worse; results.json says when "
    "a mask should be reviewed, and misses some that should be.",
)


def make_card(road: Road) -> dict[str, Any]:
    """Everything that the card says, as JSON values; the same training gives the same card."""
    scores = read_scores(road, shown_models(road))
    overall = {name: summarise(summarise_organs(cases.values())) for name, cases in scores.items()}
    finals = [final_checkpoint(road.work, road.recipe, model) for model in road.recipe.models]
    trained = {model.name: _training(final) for model, final in zip(road.recipe.models, finals, strict=True)}
    return {
        "data": {
            "trained_on": road.settings.trained_on,
            "cases": len(road.cases),
            **_start(road),
            "sources": source_figures(road, scores[FUSED]),
        },
        "plan": road.recipe.name,
        "folds": [list(held_out) for held_out in road.folds],
        "seeds": {"training": SEED, "folds": ORDER_SEED},
        "training": {
            name: {
                "epochs": epochs,
                "iterations": epochs * road.recipe.iterations_per_epoch,
                "batch_size": model.batch_size,
                "patch": list(model.training_patch),
            }
            for model in road.recipe.models
            for name, (epochs, _) in trained.items()
            if name == model.name
        },
        "date": max(day for _, day in trained.values()),
        "software": {"hnseg": __version__, **{package: version(package) for package in PACKAGES}},
        "cross_validation": {
            name: {
                "mean_dsc": means.dsc,
                "mean_hd95_mm": means.hd95_mm,
                "mean_nsd_1mm": means.nsd_1mm,
                "weighted_dsc": means.weighted_dsc,
                "weighted_hd95_mm": means.weighted_hd95_mm,
                "missed": means.missed,
            }
            for name, means in overall.items()
        },
        "organs": [
            {"id": s.id, "name": s.name, "cases": s.dsc.count if s.dsc else 0, **_spreads(s)}
            for s in summarise_organs(scores[FUSED].values())
        ],
        "provider": read_provider(road),
        "without_strays": read_without_strays(road),
        "published_provider": road.recipe.published_provider(),
        "licence": LICENCE,
        "intended_use": NOT_FOR_CLINICAL_USE,
        "limits": list(LIMITS),
    }


def card_page(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    training = card["training"]
    lines = [
        f"# HNSeg bundle, plan {card['plan']}",
        "",
        card["intended_use"],
        "",
        f"- Trained on: {card['data']['trained_on']} ({card['data']['cases']} cases)",
        *_start_lines(card["data"]),
        *source_lines(card["data"]["sources"]),
        f"- Date: {card['date']}",
        f"- Cross-validation: {len(card['folds'])} folds",
        f"- Seeds: {card['seeds']['training']} (training), {card['seeds']['folds']} (folds)",
        f"- Software: {', '.join(f'{name} {number}' for name, number in card['software'].items())}",
        f"- Licence: {card['licence']}",
        "",
        "## Training",
        "",
        *markdown_table(
            ["model", "epochs", "iterations", "batch", "patch"],
            [
                [
                    name,
                    *(str(made[key]) for key in ("epochs", "iterations", "batch_size")),
                    _by(made["patch"]),
                ]
                for name, made in training.items()
            ],
        ),
        "",
        "## Cross-validation",
        "",
        "Mean over organs of cases that the scored models had not seen.",
        "",
        *markdown_table(
            ["model", "DSC", "HD95 mm", "NSD 1 mm", "weighted DSC", "weighted HD95 mm", "missed"],
            [
                [
                    name,
                    *(
                        number(means[key], metric.digits)
                        for key, metric in (
                            ("mean_dsc", DSC),
                            ("mean_hd95_mm", HD95),
                            ("mean_nsd_1mm", NSD),
                            ("weighted_dsc", DSC),
                            ("weighted_hd95_mm", HD95),
                        )
                    ),
                    str(means["missed"]),
                ]
                for name, means in card["cross_validation"].items()
            ],
        ),
        "",
        "## Organs",
        "",
        "The fused result, mean over cases." + _strays_sentence(card["without_strays"]),
        "",
        *markdown_table(
            ["organ", "model", "cases", "DSC", "HD95 mm", "NSD 1 mm"],
            [
                [
                    organ["name"],
                    card["provider"][organ["name"]],
                    str(organ["cases"]),
                    *(number(organ[metric.key], metric.digits) for metric in (DSC, HD95, NSD)),
                ]
                for organ in card["organs"]
            ],
        ),
        "",
        "## Folds",
        "",
        *(f"- fold {fold}: {', '.join(names)}" for fold, names in enumerate(card["folds"])),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in card["limits"]),
    ]
    return "\n".join(lines) + "\n"


def _strays_sentence(organs: Sequence[str]) -> str:
    return f" Pieces far from the largest one are removed of {', '.join(organs)}." if organs else ""


def _start(road: Road) -> dict[str, Any]:
    start = road.settings.start
    if start is None:
        return {}
    weights = {name: file_sha256(path) for name, path in start.checkpoints.items()}
    return {"started_from": {"name": start.name, "trained_on": start.trained_on, "sha256": weights}}


def _start_lines(data: Mapping[str, Any]) -> list[str]:
    start = data.get("started_from")
    return [] if start is None else [f"- Started from: {start['name']}, trained on {start['trained_on']}"]


def _training(checkpoint: Path) -> tuple[int, str]:
    """Number of epochs of a finished training, and the day (UTC) on which the last one ended."""
    import torch

    # our own trainer wrote this file, with its optimiser and log in it
    log = torch.load(checkpoint, map_location="cpu", weights_only=False)["logging"]
    ends = log["epoch_end_timestamps"]
    return len(ends), datetime.fromtimestamp(ends[-1], UTC).date().isoformat()


def _spreads(organ: Any) -> dict[str, float | None]:
    spreads = {metric.key: organ.spread(metric) for metric in (DSC, HD95, NSD)}
    return {key: None if spread is None else spread.mean for key, spread in spreads.items()}


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(str(size) for size in sizes)
