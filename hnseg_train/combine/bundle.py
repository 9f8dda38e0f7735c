"""The combined bundle: the models that provide an organ, from the bundles that they were exported to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hnseg_infer.bundle import FORMAT_VERSION, needed_models
from hnseg_infer.checksums import checksums
from hnseg_infer.installed import MANIFEST
from hnseg_infer.report import NOT_FOR_CLINICAL_USE
from hnseg_train.combine.trainings import Training
from hnseg_train.evaluation.cohort import summarise, summarise_organs
from hnseg_train.evaluation.comparison import Comparison
from hnseg_train.evaluation.comparison_files import combination_table
from hnseg_train.export import CARD_PAGE, copy_model, put_in_place, staging_folder

NAME = "hnseg-combination"


def write_bundle(trainings: Sequence[Training], comparison: Comparison, bundle: Path) -> None:
    """Write the bundle folder anew; raises InputError when it holds something else."""
    provider = comparison.provider
    staging = staging_folder(bundle)
    entries: dict[str, Any] = {}
    for training in trainings:
        for model in needed_models(training.bundle.models, provider.values()):
            entry = training.manifest["models"][model.name]
            entries[model.name] = copy_model(entry, training.bundle.folder, staging, model.name)
    card = _card(trainings, comparison)
    (staging / CARD_PAGE).write_text(_page(card, comparison))
    first = trainings[0].manifest
    best = {model: organs for training in trainings for model, organs in training.without_strays.items()}
    without_strays = [organ for organ, model in provider.items() if organ in best[model]]
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": NAME,
        "trained_on": card["data"]["trained_on"],
        "intended_use": NOT_FOR_CLINICAL_USE,
        "organs": first["organs"],
        "models": entries,
        "provider": provider,
        **({"trained_spacing_mm": first["trained_spacing_mm"]} if "trained_spacing_mm" in first else {}),
        **({"anatomy": _anatomy(trainings, provider)} if "anatomy" in first else {}),
        **({"without_strays": without_strays} if without_strays else {}),
        "sha256": checksums(staging),
        "card": card,
    }
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    put_in_place(staging, bundle)


def _anatomy(trainings: Sequence[Training], provider: Mapping[str, str]) -> dict[str, Any]:
    """The patients are the same everywhere; how sure a model is of an organ is its provider's own."""
    found = dict(trainings[0].manifest["anatomy"])
    by_model = {model: training for training in trainings for model in training.scores}
    found["organs"] = {
        organ: by_model[provider[organ]].manifest["anatomy"]["organs"][organ] for organ in found["organs"]
    }
    return found


def _card(trainings: Sequence[Training], comparison: Comparison) -> dict[str, Any]:
    of_each = {training.bundle.name: training.manifest["card"] for training in trainings}
    first = next(iter(of_each.values()))
    said = dict.fromkeys(card["data"]["trained_on"] for card in of_each.values())
    summaries = summarise_organs(comparison.combined.values())
    overall = summarise(summaries)
    return {
        "data": {**first["data"], "trained_on": "; ".join(said)},
        "cross_validation": {"fused": {"mean_dsc": overall.dsc, "mean_hd95_mm": overall.hd95_mm}},
        "organs": [{"id": s.id, "name": s.name, "dsc": s.dsc.mean if s.dsc else None} for s in summaries],
        "combined_from": of_each,
        "limits": list(dict.fromkeys(limit for card in of_each.values() for limit in card["limits"])),
    }


def _page(card: Mapping[str, Any], comparison: Comparison) -> str:
    lines = [
        "# HNSeg bundle, combined from several trainings",
        "",
        NOT_FOR_CLINICAL_USE,
        "",
        f"- Trained on: {card['data']['trained_on']} ({card['data']['cases']} cases)",
        f"- Combined from: {', '.join(card['combined_from'])}",
        "",
        "## Organs",
        "",
        "Who provides which, chosen by the DSC of cases that the scored models had not seen.",
        "",
        *combination_table(comparison),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in card["limits"]),
    ]
    return "\n".join(lines) + "\n"
