"""The page of ``leave_one_scan_out.py``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from record import Check, check_table

from hnseg_train.evaluation.table import markdown_table, number

FIGURES = ("DSC", "HD95 mm", "centroid mm", "volume %")


@dataclass(frozen=True)
class Found:
    """One organ of one case. hd95_mm, centroid_mm: None where the organ was missed.

    volume_percent: by how much the mask is larger than the reference.
    """

    name: str
    dsc: float
    hd95_mm: float | None
    centroid_mm: float | None
    volume_percent: float | None


def report(
    result: Mapping[str, Any],
    found: Mapping[str, Sequence[Found]],
    before: Mapping[str, Sequence[Found]],
    checks: Sequence[Check],
) -> list[str]:
    """The result with the bundle's choice of models as lines of a Markdown page."""
    head = ["organ", "model"]
    for name in found:
        head += [f"{name} DSC", *FIGURES[1:], *(["DSC against"] if before else [])]
    names = dict.fromkeys(organ.name for organs in found.values() for organ in organs)
    rows = []
    for name in names:
        row = [name, result["provider"].get(name, "-")]
        for case, organs in found.items():
            organ = next((item for item in organs if item.name == name), None)
            old = next((item for item in before.get(case, ()) if item.name == name), None)
            row += [*_figures(organ), *([number(old.dsc if old else None, 3)] if before else [])]
        rows.append(row)
    means = [
        f"- {case}: mean DSC {fmean(organ.dsc for organ in organs):.3f}"
        + (f", against {fmean(organ.dsc for organ in before[case]):.3f}" if before else "")
        for case, organs in found.items()
    ]
    against = [f"Against: {result['against']}", ""] if before else []
    return [
        "# Real CTs that the models had not seen",
        "",
        "Each CT was segmented by models that were trained without it. The references are drafts, drawn by "
        "rule and eye and not by a clinician: this tells whether organs are found, not how accurate contours "
        "are. Not for clinical use.",
        "",
        *against,
        *markdown_table(head, rows),
        "",
        *means,
        "",
        *check_table(checks),
        "",
    ]


def choice_without(
    result: Mapping[str, Any], found: Mapping[str, Sequence[Found]], without: Mapping[str, Sequence[Found]]
) -> list[str]:
    """What is otherwise when the scored case has no say in which model provides an organ."""
    rows = []
    for case, organs in without.items():
        for organ, shipped in zip(organs, found[case], strict=True):
            if organ != shipped:
                models = [result["provider_chosen_without"][case][organ.name], result["provider"][organ.name]]
                rows.append([organ.name, case, models[0], *_figures(organ), models[1], *_figures(shipped)])
    means = [f"{case} {fmean(organ.dsc for organ in organs):.3f}" for case, organs in without.items()]
    missed = ", ".join(
        f"{item['criterion']} ({number(item['measured'], 3)})"
        for item in result["checks_chosen_without"]
        if not item["passed"]
    )
    head = ["organ", "case", "model without it", *FIGURES, "model above", *FIGURES]
    return [
        "## The choice of models without the CT",
        "",
        "The models above were chosen by all cases, these CTs among them. Where the choice without the "
        "CT itself gives something else:",
        "",
        *markdown_table(head, rows),
        "",
        f"Mean DSC: {', '.join(means)}. Thresholds missed: {missed or 'none'}.",
        "",
    ]


def _figures(organ: Found | None) -> list[str]:
    if organ is None:
        return [number(None, 3)] * len(FIGURES)
    of_organ = ((organ.dsc, 3), (organ.hd95_mm, 1), (organ.centroid_mm, 1), (organ.volume_percent, 0))
    return [number(value, digits) for value, digits in of_organ]
