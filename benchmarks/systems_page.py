"""The page of ``compare_systems.py``."""

from collections.abc import Mapping
from typing import Any

from record import origin_line

from hnseg_infer.report import NOT_FOR_CLINICAL_USE
from hnseg_train.evaluation.comparison import Comparison
from hnseg_train.evaluation.comparison_files import metric_table
from hnseg_train.evaluation.metrics import DSC, HD95
from hnseg_train.evaluation.table import COHORT_DEFINITIONS, markdown_table, number

UNION = "union"
"""What the tables call every organ from the best of all systems' models."""


def page(result: Mapping[str, Any], comparison: Comparison, picture: str) -> list[str]:
    """The result as lines of Markdown; ``picture`` is the name of the box plots' file."""
    systems = result["systems"]
    return [
        "# The systems of both publications",
        "",
        f"{result['data']}: {result['cases']} cases in {result['folds']} folds, each outlined by models that "
        f"had not seen it. Plan `{result['plan']}`, {_optimizer(result)}. {NOT_FOR_CLINICAL_USE}",
        "",
        *markdown_table(
            ("mean over organs", "DSC", "HD95 mm", "missed"),
            [_mean_line(name, of) for name, of in {**systems, UNION: result["union"]}.items()],
        ),
        "",
        f"`{UNION}`: every organ from the best of all systems' models, chosen on the other folds' cases.",
        "",
        *markdown_table(
            (
                "cost",
                "M parameters",
                "GFLOP a tile",
                "s a case",
                "iterations",
                "batch",
                "min a fold",
            ),
            [_cost_line(name, of) for name, of in systems.items()],
        ),
        "",
        "s a case: median, models loaded, one CT for all. Min a fold: training of all of its models.",
        "",
        *(line for metric in (DSC, HD95) for line in _metric(comparison, metric)),
        f"![{DSC.title}]({picture})",
        "",
        *(f"- {definition}" for definition in COHORT_DEFINITIONS),
        "",
        origin_line(result, result["device"]),
    ]


def _optimizer(result: Mapping[str, Any]) -> str:
    if result["same_optimizer"]:
        return "every network trained by system one's optimiser"
    return "each network trained by its own publication's optimiser"


def _metric(comparison: Comparison, metric: Any) -> list[str]:
    bold = "Bold: the best system by mean DSC, the first one of those that are alike."
    return [f"## {metric.title}", "", bold, "", *metric_table(comparison, metric), ""]


def _mean_line(name: str, means: Mapping[str, Any]) -> list[str]:
    dsc, hd95 = number(means["mean_dsc"], DSC.digits), number(means["mean_hd95_mm"], HD95.digits)
    return [name, dsc, hd95, str(means["missed"])]


def _cost_line(name: str, cost: Mapping[str, Any]) -> list[str]:
    return [
        name,
        number(cost["parameters"] / 1e6, 2),
        _by_model({model: number(flop / 1e9, 1) for model, flop in cost["flop_per_tile"].items()}),
        number(cost["seconds_per_case"], 1),
        _by_model(cost["iterations"]),
        _by_model(cost["batch"]),
        number(cost["training_minutes"], 0),
    ]


def _by_model(values: Mapping[str, Any]) -> str:
    if len(values) == 1:
        return str(next(iter(values.values())))
    return ", ".join(f"{model} {value}" for model, value in values.items())
