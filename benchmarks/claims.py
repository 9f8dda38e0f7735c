"""The publication's claims (a), (b) and (c) on generated patients, with networks for two CPU cores.

    hnseg phantom --cases 44 --seed 1 --out DATA
    hnseg train --data DATA --work WORK --plan lite --folds 2
    python benchmarks/claims.py --data DATA --work WORK

(a) mirroring along x in training makes left and right temporal lobes swap; (b) 3D-small beats 3D on optic
chiasm and pituitary; (c) the combination beats each single model and plain nnU-Net. Trains two more networks
in WORK (interrupted, it goes on) and writes ``results/claims.json`` and ``.md``.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from claims_networks import FOLD, Labeller, mirrored, plain_nnunet
from claims_page import report
from numpy.typing import NDArray
from record import add_output_options, origin, write_result

from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_infer.volume import from_canonical
from hnseg_train.cases import Source
from hnseg_train.evaluation.cohort import Cases, summarise, summarise_organs
from hnseg_train.evaluation.comparison import compare, signed_rank_p
from hnseg_train.evaluation.metrics import OrganScore, score_case
from hnseg_train.recipes import RECIPES, SMALL_ORGANS
from hnseg_train.stages.predictions import prediction_file
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.road import Road, Settings
from hnseg_train.stages.tables import FUSED, read_scores

MODELS = ("2d", "3d", "3d_small")


def main() -> int:
    """Train what is missing, score, write."""
    parser = argparse.ArgumentParser(description="The publication's claims on generated patients.")
    parser.add_argument("--data", type=Path, required=True, help="as given to hnseg train")
    parser.add_argument("--work", type=Path, required=True, help="of that training, finished")
    plans = [name for name, recipe in RECIPES.items() if len(recipe.models) == len(MODELS)]
    parser.add_argument("--plan", choices=plans, default="lite", help="as given to it (default: lite)")
    parser.add_argument("--folds", type=int, default=2, help="as given to it (default: 2)")
    parser.add_argument(
        "--nnunet-cases", type=int, default=6, help="plain nnU-Net is scored on so many (default: 6)"
    )
    add_output_options(parser, "claims")
    arguments = parser.parse_args()
    recipe, bundle = RECIPES[arguments.plan], arguments.work / "bundle"
    settings = Settings(
        (Source("", arguments.data),), arguments.work.resolve(), recipe, bundle, arguments.folds
    )
    road = Road(settings, Ledger(arguments.work))
    stored = read_scores(road, [*MODELS, FUSED])
    held_out = road.folds[FOLD]
    result = {
        "plan": recipe.name,
        "cases": len(road.cases),
        "mirroring": mirroring(road, held_out),
        "small_organs": small_organs(stored),
        "combination": combination(road, stored),
        "nnunet": against_nnunet(road, stored, held_out[: arguments.nnunet_cases]),
        **origin(),
    }
    write_result(arguments, result, report(result))
    return 0


def mirroring(road: Road, cases: Sequence[str]) -> dict[str, Any]:
    """(a): the 2D model as it is and mirrored along x, on the cases that neither has seen."""
    found: dict[str, Any] = {}
    labels = mirrored(road)
    for name in ("never mirrored along x", "mirrored along x"):
        scores, wrong = {}, []
        for case in cases:
            reference = read_labels(road.cases[case].label)
            if name == "mirrored along x":
                predicted = on_file_grid(road, case, labels)
            else:
                predicted = read_labels(prediction_file(road, "2d", case))
            scores[case] = score_case(predicted, reference, dict(road.recipe.organs))
            wrong.append(other_side(predicted.array, reference.array))
        found[name] = {
            "dsc": {organ.name: organ.dsc.mean for organ in summarise_organs(scores.values()) if organ.dsc},
            "mean_dsc": summarise(summarise_organs(scores.values())).dsc,
            "other_side_percent": {pair: fmean(each[pair] for each in wrong) for pair in wrong[0]},
            "cases": len(cases),
        }
    return found


def on_file_grid(road: Road, case: str, labels: Labeller) -> Any:
    """A case's labels as a volume on the grid of its file."""
    return from_canonical(labels(road.cases[case]), read_ct(road.cases[case].ct).geometry)


def other_side(predicted: NDArray[np.uint8], reference: NDArray[np.uint8]) -> dict[str, float]:
    """Of the voxels of a paired organ that were given to one of the pair: per cent given to the other."""
    ids = {organ.name: organ.id for organ in STRUCTSEG_ORGANS}
    found = {}
    for name, left in ids.items():
        if name.endswith("_left"):
            right = ids[f"{name.removesuffix('_left')}_right"]
            inside = np.isin(reference, (left, right)) & np.isin(predicted, (left, right))
            wrong = np.count_nonzero(reference[inside] != predicted[inside])
            found[name.removesuffix("_left")] = 100.0 * wrong / max(1, np.count_nonzero(inside))
    return found


def small_organs(stored: Mapping[str, Cases]) -> dict[str, Any]:
    """(b): DSC of each model on the two organs of 3D-small, all cases, and p of 3D-small against 3D."""
    found: dict[str, Any] = {}
    for name in SMALL_ORGANS:
        dsc = {model: organ_dsc(stored[model], name) for model in MODELS}
        found[name] = {
            "dsc": {model: fmean(values) for model, values in dsc.items()},
            "p": signed_rank_p(dsc["3d_small"], dsc["3d"]),
            "better_in": sum(small > large for small, large in zip(dsc["3d_small"], dsc["3d"], strict=True)),
        }
    return found


def organ_dsc(cases: Cases, name: str) -> list[float]:
    """The organ's DSC in every case whose reference holds it."""
    return [s.dsc for scores in cases.values() for s in scores if s.name == name and s.dsc is not None]


def combination(road: Road, stored: Mapping[str, Cases]) -> dict[str, Any]:
    """(c): means over the 22 organs of the two models that know them all, and of the combination."""
    named = {model: stored[model] for model in MODELS}
    chosen = compare(named, road.recipe.published_provider()).provider
    systems = {
        "2d": stored["2d"],
        "3d": stored["3d"],
        "combination": stored[FUSED],
        "combination, chosen on the other folds": chosen_elsewhere(road, named),
    }
    return {"provider": chosen, "systems": {name: means(cases) for name, cases in systems.items()}}


def chosen_elsewhere(road: Road, named: Mapping[str, Cases]) -> Cases:
    """Every case with each organ from the model that is best on the cases of the other folds."""
    combined: dict[str, Sequence[OrganScore]] = {}
    for held_out in road.folds:
        others = {m: {c: s for c, s in cases.items() if c not in held_out} for m, cases in named.items()}
        provider = compare(others, road.recipe.published_provider()).provider
        for case in held_out:
            by_model = {model: {score.name: score for score in named[model][case]} for model in named}
            combined[case] = [by_model[model][organ] for organ, model in provider.items()]
    return combined


def against_nnunet(road: Road, stored: Mapping[str, Cases], cases: Sequence[str]) -> dict[str, Any]:
    """(c): plain nnU-Net in 2D beside our models on the same cases of fold 0."""
    labels = plain_nnunet(road)
    plain = {
        case: score_case(
            on_file_grid(road, case, labels), read_labels(road.cases[case].label), dict(road.recipe.organs)
        )
        for case in cases
    }
    systems: dict[str, Cases] = {
        name: {case: stored[name][case] for case in cases} for name in ("2d", "3d", FUSED)
    }
    return {
        "cases": len(cases),
        "systems": {name: means(scores) for name, scores in {"nnU-Net 2D": plain, **systems}.items()},
    }


def means(cases: Cases) -> dict[str, Any]:
    """Means over organs, and by organ."""
    organs = summarise_organs(cases.values())
    overall = summarise(organs)
    return {
        "dsc": overall.dsc,
        "hd95_mm": overall.hd95_mm,
        "missed": overall.missed,
        "organ_dsc": {organ.name: organ.dsc.mean for organ in organs if organ.dsc},
    }


if __name__ == "__main__":
    sys.exit(main())
