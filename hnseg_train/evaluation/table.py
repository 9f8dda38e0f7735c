"""The table that ``hnseg evaluate`` prints."""

from collections.abc import Sequence

from hnseg_train.evaluation.cohort import summarise, summarise_organs
from hnseg_train.evaluation.metrics import OrganScore

DEFINITIONS = (
    "DSC: Dice similarity coefficient, 2 |P and R| / (|P| + |R|), by voxels.",
    "HD95: the larger of the two directed 95th percentiles of the distances between surface voxels, in mm.",
    "Both as grand-challenge-metrics (formerly evalutils) computes them.",
    "Absent from the reference: left out of the means.",
    "Missed (absent only from the prediction): counts with DSC 0; its HD95 is undefined and left out.",
    "Weighted: with the organ weights of the StructSeg 2019 challenge.",
)
"""One sentence per definition that a reader of the table needs."""


def number(value: float | None, digits: int) -> str:
    """The value with fixed decimals, a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def case_table(scores: Sequence[OrganScore]) -> str:
    """One line per organ, the means, the counts and the definitions, as plain text."""
    overall = summarise(summarise_organs([scores]))
    width = max(len(name) for name in ("StructSeg-weighted mean", *(score.name for score in scores)))

    def row(name: str, dsc: str, hd95: str, note: str = "") -> str:
        return f"{name:<{width}}  {dsc:>6}  {hd95:>8}  {note}".rstrip()

    rule = "-" * (width + 18)
    lines = [row("organ", "DSC", "HD95 mm"), rule]
    lines += [row(each.name, number(each.dsc, 3), number(each.hd95_mm, 2), _note(each)) for each in scores]
    lines += [
        rule,
        row("mean", number(overall.dsc, 3), number(overall.hd95_mm, 2)),
        row("StructSeg-weighted mean", number(overall.weighted_dsc, 3), number(overall.weighted_hd95_mm, 2)),
        "",
        f"organs missed: {overall.missed}; organs absent from the reference: {overall.not_in_reference}",
        "",
        *DEFINITIONS,
    ]
    return "\n".join(lines)


def _note(score: OrganScore) -> str:
    if score.missed:
        return "missed"
    if not score.in_reference:
        return "absent from the reference" + (", yet predicted" if score.in_prediction else "")
    return ""
