"""What ``hnseg evaluate --out`` leaves in its folder: two CSV files, a Markdown page, box plots, pictures.

Every file appears complete or not at all, and equal scores give equal bytes.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from hnseg_infer.files import write_whole
from hnseg_infer.report import NOT_FOR_CLINICAL_USE
from hnseg_train.evaluation.box_plots import box_plot
from hnseg_train.evaluation.cohort import WEIGHTS, Cases, OrganSummary, Overall, summarise, summarise_organs
from hnseg_train.evaluation.metrics import DSC, HD95, METRICS
from hnseg_train.evaluation.table import COHORT_DEFINITIONS, markdown_table, mean_sd, number
from hnseg_train.evaluation.worst_cases import WorstCase, worst_cases

if TYPE_CHECKING:
    from PIL.Image import Image

CSV_DIGITS = 6
"""Decimals in CSV files: as many as a DSC in single precision has."""

WORST = "worst"
"""Subfolder of the pictures."""


def write_evaluation(
    cases: Cases, pictures: Mapping[str, "Image"], out: Path, left_out: Sequence[str] = ()
) -> None:
    """Write cases.csv, organs.csv, evaluation.md, ``box_<metric>.png`` and ``worst/*.png`` to ``out``.

    pictures: of worst cases, by their ``picture_name``; the page shows those there are. left_out: lines about
    organs that do not count.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "cases.csv", case_rows(cases))
    write_csv(out / "organs.csv", organ_rows(cases))
    for metric in METRICS:
        write_whole(out / f"box_{metric.key}.png", [box_plot(metric, {"": cases.values()})])
    for name, picture in pictures.items():
        (out / WORST).mkdir(exist_ok=True)
        png = BytesIO()
        picture.save(png, format="PNG")
        write_whole(out / WORST / name, [png.getvalue()])
    boxes = [f"![{metric.title}](box_{metric.key}.png)" for metric in METRICS]
    page = [*cohort_page(cases, left_out), "", "## Spread over cases", "", *boxes, ""]
    page += worst_section(cases, pictures)
    write_whole(out / "evaluation.md", ["\n".join(page).encode() + b"\n"])


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write rows to a CSV file; numbers with fixed decimals, nothing where there is None."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    write_whole(path, [text.getvalue().encode()])


def case_rows(cases: Cases) -> list[list[object]]:
    """One row per case and organ, with its heading."""
    keys = [metric.key for metric in METRICS]
    rows: list[list[object]] = [["case", "id", "organ", *keys, "predicted_cm3", "reference_cm3"]]
    for case, scores in cases.items():
        for score in scores:
            values = [metric.of(score) for metric in METRICS]
            rows.append([case, score.id, score.name, *values, score.predicted_cm3, score.reference_cm3])
    return rows


def organ_rows(cases: Cases) -> list[list[object]]:
    """One row per organ, then the means over organs, with their heading."""
    columns = [f"{metric.key}_{part}" for metric in METRICS for part in ("mean", "sd", "worst", "cases")]
    rows: list[list[object]] = [["id", "organ", "weight", *columns, "missed", "not_in_reference"]]
    organs = summarise_organs(cases.values())
    for organ in organs:
        row: list[object] = [organ.id, organ.name, WEIGHTS.get(organ.name)]
        for metric in METRICS:
            spread = organ.spread(metric)
            row += [spread.mean, spread.sd, spread.worst, spread.count] if spread else [None, None, None, 0]
        rows.append([*row, organ.missed, organ.not_in_reference])
    overall = summarise(organs)
    for index, name in enumerate(("mean over organs", "StructSeg-weighted mean")):
        row = [None, name, None]
        for metric in METRICS:
            row += [overall.means(metric)[index], None, None, None]
        rows.append([*row, overall.missed, overall.not_in_reference])
    return rows


def cohort_page(cases: Cases, left_out: Sequence[str] = ()) -> list[str]:
    """The Markdown page down to the definitions, line by line; left_out: as in ``write_evaluation``."""
    organs = summarise_organs(cases.values())
    head = ["organ", "cases", *(metric.title for metric in METRICS), "missed", "absent from the reference"]
    overall = summarise(organs)
    rows = [_organ_line(organ) for organ in organs]
    rows += [_mean_line("**mean over organs**", overall, 0), _mean_line("**StructSeg-weighted**", overall, 1)]
    return [
        "# Evaluation",
        "",
        f"{len(cases)} cases. {NOT_FOR_CLINICAL_USE}",
        "",
        *markdown_table(head, rows),
        "",
        *(f"- {line}" for line in (*left_out, *COHORT_DEFINITIONS)),
    ]


def worst_section(cases: Cases, pictures: Mapping[str, "Image"]) -> list[str]:
    """Per organ the worst cases, with pictures where there are some."""
    lines = ["## Worst cases", "", "Per organ the cases with the lowest DSC, the worst one first."]
    for organ in worst_cases(cases):
        lines += ["", f"### {organ[0].score.name}", ""]
        lines += [f"{worst.rank}. {describe(worst)}" for worst in organ]
        lines += [
            f"\n![{worst.case}]({WORST}/{quote(worst.picture_name)})"
            for worst in organ
            if worst.picture_name in pictures
        ]
    return lines


def describe(worst: WorstCase) -> str:
    """Case, DSC and HD95 in a few words."""
    score = worst.score
    hd95 = "missed" if score.missed else f"HD95 {number(score.hd95_mm, HD95.digits)} mm"
    return f"case {worst.case}: DSC {number(score.dsc, DSC.digits)}, {hd95}"


def _organ_line(organ: OrganSummary) -> list[str]:
    cases = organ.dsc.count if organ.dsc else 0
    spreads = [mean_sd(organ.spread(metric), metric.digits) for metric in METRICS]
    return [organ.name, str(cases), *spreads, str(organ.missed), str(organ.not_in_reference)]


def _mean_line(name: str, overall: Overall, index: int) -> list[str]:
    means = [number(overall.means(metric)[index], metric.digits) for metric in METRICS]
    return [name, "", *means, str(overall.missed), str(overall.not_in_reference)]


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.{CSV_DIGITS}f}" if isinstance(value, float) else value
