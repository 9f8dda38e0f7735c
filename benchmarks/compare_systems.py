"""Both publications' systems, trained on one cohort and tested on cases that they had not seen.

    python benchmarks/compare_systems.py DATA WORK --plan coarse --trained-on "what DATA is"

trains every system by cross-validation in a folder of WORK (interrupted, it goes on) and writes
``results/compare_systems_PLAN.json``, ``.md``, ``.csv`` (every organ and system) and ``.png``. All see the
same cases in the same folds, for the iterations that the plan gives them or, with ``--epochs``, for equally
many. With ``--same-optimizer`` the second publication's networks are trained by the plan's optimiser, rate
and schedule in place of their own: SGD needs many more iterations than two CPU cores can give, and networks
are then compared, not optimisers.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from flops import product_flops
from record import RESULTS, origin, write_result
from systems_page import UNION, page

from hnseg_infer.files import write_whole
from hnseg_infer.formats import read_ct
from hnseg_infer.loaded_bundle import load
from hnseg_infer.networks.build import build_network
from hnseg_infer.pipeline import segment
from hnseg_train.cases import Source
from hnseg_train.evaluation.box_plots import box_plot
from hnseg_train.evaluation.cohort import Cases, summarise, summarise_organs
from hnseg_train.evaluation.comparison import compare
from hnseg_train.evaluation.comparison_files import model_rows
from hnseg_train.evaluation.evaluation_files import write_csv
from hnseg_train.evaluation.metrics import DSC, OrganScore
from hnseg_train.recipes import RECIPES, Recipe
from hnseg_train.stages.engine import run_stages
from hnseg_train.stages.fold_models import export_fold
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.road import Road, Settings
from hnseg_train.stages.scores import Scores
from hnseg_train.stages.tables import COMBINATION, FUSED, read_provider, read_scores, read_without_strays
from hnseg_train.stages.whole import all_stages
from hnseg_train.systems import SYSTEMS, system_recipe
from hnseg_train.training import final_checkpoint


def main() -> int:
    """Train what is not trained yet, compare, write."""
    parser = argparse.ArgumentParser(description="The systems of both publications on one cohort.")
    parser.add_argument("data", type=Path, metavar="DATA", help="cases as hnseg train reads them")
    parser.add_argument("work", type=Path, metavar="WORK", help="gets one work folder a system")
    parser.add_argument("--plan", choices=RECIPES, default="lite", help="(default: %(default)s)")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="(default: all)")
    parser.add_argument("--folds", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="of every model (default: the plan's)")
    parser.add_argument("--same-optimizer", action="store_true", help="the plan's own for every system")
    parser.add_argument("--trained-on", required=True, help="what DATA is, in a few words")
    parser.add_argument("--repeats", type=int, default=3, help="of the timed case (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the result files")
    arguments = parser.parse_args()
    arguments.name = f"compare_systems_{arguments.plan}"
    roads = {system: trained(arguments, system) for system in arguments.systems}
    by_model: Scores = {}
    fused: Scores = {}
    for system, road in roads.items():
        models = [model.name for model in road.recipe.models]
        by_model |= read_scores(road, models)
        fused[system] = read_scores(road, [FUSED])[FUSED]
    folds = next(iter(roads.values())).folds
    fused[UNION] = union(by_model, folds)
    comparison = compare(fused, candidates=list(roads))
    provider = compare(by_model).provider
    result = {
        **origin(),
        "data": arguments.trained_on,
        "plan": arguments.plan,
        "same_optimizer": arguments.same_optimizer,
        "cases": sum(map(len, folds)),
        "folds": len(folds),
        "device": device(),
        "systems": {
            name: {**overall(fused[name]), **cost(road, arguments.repeats)} for name, road in roads.items()
        },
        "union": {**overall(fused[UNION]), "provider_of_all_cases": provider},
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.out / f"{arguments.name}.csv", model_rows(comparison))
    picture = box_plot(DSC, {system: cases.values() for system, cases in fused.items()})
    write_whole(arguments.out / f"{arguments.name}.png", [picture])
    write_result(arguments, result, page(result, comparison, f"{arguments.name}.png"))
    return 0


def device() -> str:
    """Where everything runs."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def trained(arguments: argparse.Namespace, system: str) -> Road:
    """A system after its cross-validation; the models on all cases are not needed here."""
    work = arguments.work / system
    settings = Settings(
        sources=(Source("", arguments.data),),
        work=work,
        recipe=recipe_of(arguments, system),
        bundle=work / "bundle",
        folds=arguments.folds,
        device=device(),
        trained_on=arguments.trained_on,
    )
    road = Road(settings, Ledger(work), lambda line: print(f"{system}: {line}", flush=True))
    stages = all_stages(road)
    names = [stage.name for stage in stages]
    run_stages(stages, road.ledger, names[: names.index(COMBINATION) + 1], road.say)
    return road


def recipe_of(arguments: argparse.Namespace, system: str) -> Recipe:
    """A system's recipe as the command line changes it."""
    plan = RECIPES[arguments.plan]
    recipe = with_epochs(system_recipe(plan, system), arguments.epochs)
    if not arguments.same_optimizer:
        return recipe
    return replace(recipe, optimizer=plan.optimizer, learning_rate=plan.learning_rate, schedule=plan.schedule)


def with_epochs(recipe: Recipe, epochs: int | None) -> Recipe:
    """The recipe with that many epochs for each of its models; None leaves it as it is."""
    if epochs is None:
        return recipe
    return replace(recipe, models=tuple(replace(model, epochs=epochs) for model in recipe.models))


def union(by_model: Scores, folds: Sequence[Sequence[str]]) -> dict[str, list[OrganScore]]:
    """Every organ from the best of all systems' models, chosen on the other folds' cases alone.

    by_model: scores by model and case. Choosing on the cases that are then scored would flatter the choice.
    """
    found: dict[str, list[OrganScore]] = {}
    for held_out in folds:
        others = {
            model: {case: scores for case, scores in cases.items() if case not in held_out}
            for model, cases in by_model.items()
        }
        provider = compare(others).provider
        for case in held_out:
            scores = [
                score
                for model, cases in by_model.items()
                for score in cases[case]
                if provider.get(score.name) == model
            ]
            found[case] = sorted(scores, key=lambda score: score.id)
    return found


def overall(cases: Cases) -> dict[str, Any]:
    """Means over organs."""
    means = summarise(summarise_organs(cases.values()))
    return {"mean_dsc": means.dsc, "mean_hd95_mm": means.hd95_mm, "missed": means.missed}


def cost(road: Road, repeats: int) -> dict[str, Any]:
    """What a system takes: to train, and to segment one case with the models of the first fold."""
    names = tuple(model.name for model in road.recipe.models)
    folder = road.work / "bundles" / "timed"
    export_fold(road, 0, names, folder, read_provider(road), read_without_strays(road))
    loaded = load(folder, road.settings.device)
    ct = read_ct(road.cases[road.folds[0][0]].ct)
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        segment(ct, bundle=loaded)
        seconds.append(time.perf_counter() - start)
    counted, flops = 0, {}
    for model in loaded.bundle.models:
        network = build_network(model.network)
        counted += sum(parameter.numel() for parameter in network.parameters())
        flops[model.name] = product_flops(network, model.network.patch)
    recipe = road.recipe
    return {
        "parameters": counted,
        "flop_per_tile": flops,
        # the first run prepares what later ones keep
        "seconds_per_case": median(seconds[1:]),
        "iterations": {model.name: model.epochs * recipe.iterations_per_epoch for model in recipe.models},
        "batch": {model.name: model.batch_size for model in recipe.models},
        "training_minutes": fmean(training_minutes(road, fold) for fold in range(len(road.folds))),
    }


def training_minutes(road: Road, fold: int) -> float:
    """What all of a system's models took to train on a fold, without what lay between the epochs."""
    total = 0.0
    for model in road.recipe.models:
        checkpoint = final_checkpoint(road.work, road.recipe, model, fold)
        # our own trainer wrote this file, with its optimiser and log in it
        log: Mapping[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=False)["logging"]
        ends, starts = log["epoch_end_timestamps"], log["epoch_start_timestamps"]
        total += sum(end - start for start, end in zip(starts, ends, strict=True)) / 60
    return total


if __name__ == "__main__":
    sys.exit(main())
