"""The comparison of several models as CSV files, a Markdown page and box plots."""

from collections.abc import Mapping
from pathlib import Path

from hnseg_infer.files import write_whole
from hnseg_infer.report import NOT_FOR_CLINICAL_USE
from hnseg_train.evaluation.box_plots import box_plot
from hnseg_train.evaluation.cohort import Cases, summarise, summarise_organs
from hnseg_train.evaluation.comparison import LEAST_PAIRS, MARGIN, Comparison, OrganChoice
from hnseg_train.evaluation.evaluation_files import write_csv
from hnseg_train.evaluation.metrics import DSC, HD95, NSD, Metric
from hnseg_train.evaluation.table import COHORT_DEFINITIONS, markdown_table, mean_sd, number

SHOWN = (DSC, HD95, NSD)

COMBINATION = "combination"
"""What the tables call the provider of each organ taken together."""

DEFINITIONS = (
    "Provider: the model with the highest mean DSC; where one is published, it keeps the organ unless "
    f"another is better by more than {MARGIN}.",
    "Margin: the provider's mean DSC minus the runner-up's, the best other model's.",
    "p: two-sided Wilcoxon signed-rank test on the DSC of provider and runner-up in the same cases; equal "
    f"pairs are dropped, and fewer than {LEAST_PAIRS} unequal ones give no p. It describes these cases: the "
    "two were chosen by them, and it is not corrected for the number of organs.",
    "Combination: every organ's score is its provider's, before fusion paints small organs over large ones.",
    *COHORT_DEFINITIONS,
)
"""One sentence per definition that a reader of the page needs."""


def write_comparison(scores_by_model: Mapping[str, Cases], comparison: Comparison, out: Path) -> None:
    """Write models.csv, combination.csv, comparison.md and ``models_<metric>.png`` to the folder ``out``.

    scores_by_model: what ``comparison`` was made from. Equal scores give equal bytes.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "models.csv", model_rows(comparison))
    write_csv(out / "combination.csv", combination_rows(comparison))
    for metric in SHOWN:
        cases = {model: of_model.values() for model, of_model in scores_by_model.items()}
        write_whole(out / f"models_{metric.key}.png", [box_plot(metric, cases)])
    page = "\n".join(comparison_page(scores_by_model, comparison)) + "\n"
    write_whole(out / "comparison.md", [page.encode()])


def model_rows(comparison: Comparison) -> list[list[object]]:
    """One row per organ and model, with their heading."""
    columns = [f"{metric.key}_{part}" for metric in SHOWN for part in ("mean", "sd", "worst")]
    rows: list[list[object]] = [["id", "organ", "model", "provides", "cases", *columns, "missed"]]
    for organ in comparison.organs:
        for model, summary in organ.by_model.items():
            row: list[object] = [organ.id, organ.name, model, "yes" if model == organ.provider else "no"]
            row.append(summary.dsc.count if summary.dsc else 0)
            for metric in SHOWN:
                spread = summary.spread(metric)
                row += [spread.mean, spread.sd, spread.worst] if spread else [None, None, None]
            rows.append([*row, summary.missed])
    return rows


def combination_rows(comparison: Comparison) -> list[list[object]]:
    """One row per organ: which model provides it, and why; with their heading."""
    rows: list[list[object]] = [
        ["id", "organ", "provider", "runner_up", "margin_dsc", "wilcoxon_p", "decided_by"]
    ]
    for organ in comparison.organs:
        rows.append(
            [organ.id, organ.name, organ.provider, organ.runner_up, organ.margin, organ.p, organ.reason]
        )
    return rows


def comparison_page(scores_by_model: Mapping[str, Cases], comparison: Comparison) -> list[str]:
    """The Markdown page, line by line."""
    lines = ["# Models compared", "", f"{len(comparison.combined)} cases. {NOT_FOR_CLINICAL_USE}", ""]
    lines += [
        *_overall_table({**scores_by_model, COMBINATION: comparison.combined}),
        "",
        "## Combination",
        "",
    ]
    lines += [*combination_table(comparison), ""]
    for metric in SHOWN:
        lines += [f"## {metric.title}", "", "Bold: the organ's provider.", ""]
        lines += [*metric_table(comparison, metric), "", f"![{metric.title}](models_{metric.key}.png)", ""]
    return [*lines, "## Definitions", "", *(f"- {definition}" for definition in DEFINITIONS)]


def combination_table(comparison: Comparison) -> list[str]:
    """Per organ the provider, what it reached, and how it was chosen."""
    head = ["organ", "provider", "DSC", "runner-up", "margin", "p", "decided by"]
    return markdown_table(head, [_combination_line(organ) for organ in comparison.organs])


def metric_table(comparison: Comparison, metric: Metric) -> list[str]:
    """Per organ one metric of every model, mean +- SD."""

    def cell(organ: OrganChoice, model: str) -> str:
        if model not in organ.by_model:
            return ""
        text = mean_sd(organ.by_model[model].spread(metric), metric.digits)
        return f"**{text}**" if model == organ.provider else text

    rows = [[organ.name, *(cell(organ, model) for model in comparison.models)] for organ in comparison.organs]
    return markdown_table(["organ", *comparison.models], rows)


def _overall_table(scores_by_model: Mapping[str, Cases]) -> list[str]:
    weighted = [f"weighted {metric.title}" for metric in SHOWN]
    rows = []
    for model, cases in scores_by_model.items():
        organs = summarise_organs(cases.values())
        overall = summarise(organs)
        means = [number(overall.means(metric)[index], metric.digits) for index in (0, 1) for metric in SHOWN]
        scored = sum(organ.dsc is not None for organ in organs)
        rows.append([model, str(scored), *means, str(overall.missed)])
    return markdown_table(
        ["mean over organs", "organs", *(metric.title for metric in SHOWN), *weighted, "missed"], rows
    )


def _combination_line(organ: OrganChoice) -> list[str]:
    best = organ.by_model.get(organ.provider or "")
    margin = "-" if organ.margin is None else f"{organ.margin:+.{DSC.digits}f}"
    p = "-" if organ.p is None else f"{organ.p:.2g}"
    dsc = mean_sd(best.dsc, DSC.digits) if best else "-"
    return [organ.name, organ.provider or "-", dsc, organ.runner_up or "-", margin, p, organ.reason]
