"""The comparison of systems, without the trainings: what is computed from scores, and the page."""

from argparse import Namespace
from statistics import fmean

import compare_systems
from score_factory import found
from systems_page import UNION, page

from hnseg_train.evaluation.comparison import compare
from hnseg_train.recipes import RECIPES
from hnseg_train.systems import system_recipe

FOLDS = (("1", "2"), ("3",))

DSC = {
    "unet": {"1": (0.9, 0.5), "2": (0.9, 0.5), "3": (0.2, 0.6)},
    "nnsam": {"1": (0.5, 0.6), "2": (0.5, 0.6), "3": (0.8, 0.5)},
}
"""Of eye and lens, by model and case: the eye's best model in one fold is its worst in the other."""

SCORES = {
    model: {
        case: [found(2, "eye_left", eye, 1.0), found(4, "lens_left", lens, 2.0)]
        for case, (eye, lens) in cases.items()
    }
    for model, cases in DSC.items()
}


def test_the_union_is_chosen_on_other_cases() -> None:
    chosen = compare_systems.union(SCORES, FOLDS)
    by_case = {case: {score.name: score.dsc for score in scores} for case, scores in chosen.items()}
    assert by_case == {
        # case 3 says: nnsam for the eye, unet for the lens
        "1": {"eye_left": 0.5, "lens_left": 0.5},
        "2": {"eye_left": 0.5, "lens_left": 0.5},
        # cases 1 and 2 say the opposite
        "3": {"eye_left": 0.2, "lens_left": 0.5},
    }


def test_one_budget_for_all() -> None:
    as_planned = RECIPES["lite"]
    assert compare_systems.with_epochs(as_planned, None) is as_planned
    equal = compare_systems.with_epochs(as_planned, 7)
    assert [model.epochs for model in equal.models] == [7, 7, 7]
    assert [model.name for model in equal.models] == [model.name for model in as_planned.models]


def test_the_same_optimizer_for_all() -> None:
    asked = Namespace(plan="lite", epochs=None, same_optimizer=True)
    plan, nnsam = RECIPES["lite"], compare_systems.recipe_of(asked, "nnsam")
    assert (nnsam.optimizer, nnsam.learning_rate, nnsam.schedule) == ("adam", 1e-3, "poly")
    assert nnsam.models == system_recipe(plan, "nnsam").models
    assert compare_systems.recipe_of(asked, "combined") == plan
    own = compare_systems.recipe_of(Namespace(plan="lite", epochs=None, same_optimizer=False), "nnsam")
    assert own == system_recipe(plan, "nnsam")
    assert own.optimizer == "sgd"


def test_means_are_over_organs() -> None:
    means = compare_systems.overall(SCORES["nnsam"])
    assert means["mean_dsc"] == fmean((fmean((0.5, 0.5, 0.8)), fmean((0.6, 0.6, 0.5))))
    assert (means["mean_hd95_mm"], means["missed"]) == (1.5, 0)


def test_the_page_shows_every_system_and_the_union() -> None:
    fused = {**SCORES, UNION: compare_systems.union(SCORES, FOLDS)}
    cost = {
        "parameters": 2_500_000,
        "flop_per_tile": {"2d": 3_000_000_000},
        "seconds_per_case": 4.25,
        "iterations": {"2d": 100, "3d": 50},
        "batch": {"2d": 6, "3d": 2},
        "training_minutes": 12.4,
    }
    result = {
        "command": "python benchmarks/compare_systems.py",
        "machine": {"cpu": "one", "cores": 2, "memory_gib": 4, "torch": "2", "openvino": "3"},
        "data": "three dice",
        "plan": "lite",
        "same_optimizer": True,
        "cases": 3,
        "folds": 2,
        "device": "cpu",
        "systems": {name: {**compare_systems.overall(SCORES[name]), **cost} for name in SCORES},
        "union": compare_systems.overall(fused[UNION]),
    }
    text = "\n".join(page(result, compare(fused, candidates=list(SCORES)), "boxes.png"))
    assert "three dice: 3 cases in 2 folds" in text
    assert "Plan `lite`, every network trained by system one's optimiser." in text
    assert "| nnsam | 2.50 | 3.0 | 4.2 | 2d 100, 3d 50 | 2d 6, 3d 2 | 12 |" in text
    assert "| union | 0.450 |" in text
    assert "| eye_left | **0.667 +- 0.404** | 0.600 +- 0.173 |" in text
    assert "![DSC](boxes.png)" in text
