"""Scores as text: numbers, the definitions behind them, the table of one case, Markdown tables."""

from collections.abc import Iterable, Sequence

from hnseg_train.evaluation.cohort import Spread, summarise, summarise_organs
from hnseg_train.evaluation.metrics import DSC, HD95, NSD, OrganScore

DEFINITIONS = (
    "DSC: Dice similarity coefficient, 2 |P and R| / (|P| + |R|), by voxels.",
    "HD95: the larger of the two directed 95th percentiles of the distances between surface voxels, in mm.",
    "DSC and HD95 as grand-challenge-metrics (formerly evalutils) computes them.",
    "NSD: surface DSC, the part of both surfaces' area that lies within 1 mm of the other surface, "
    "as Nikolov et al. (2018) define it.",
    "Volume error: predicted minus reference volume, in cm3 and in percent of the reference.",
    "Absent from the reference: left out of the means.",
    "Missed (absent only from the prediction): counts with DSC 0, NSD 0 and volume error -100 %; "
    "its HD95 is undefined and left out.",
    "Weighted: with the organ weights of the StructSeg 2019 challenge.",
)
"""One sentence per definition that a reader of the table needs."""

COHORT_DEFINITIONS = (
    *DEFINITIONS,
    "Per organ: mean +- sample standard deviation (n - 1) over the cases that have a value.",
    "Mean over organs: the mean of the organs' means; the weighted mean is one over StructSeg's organs.",
)
"""The same for tables over several cases."""


def number(value: float | None, digits: int) -> str:
    """The value with fixed decimals, a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def mean_sd(spread: Spread | None, digits: int) -> str:
    """``mean +- SD``, the mean alone for a single value, a dash where there is none."""
    if spread is None:
        return "-"
    sd = "" if spread.sd is None else f" +- {spread.sd:.{digits}f}"
    return number(spread.mean, digits) + sd


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; columns after the first are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def case_table(scores: Sequence[OrganScore], left_out: Sequence[str] = ()) -> str:
    """One line per organ, the means, the counts and the definitions, as plain text.

    left_out: lines about organs that do not count.
    """
    overall = summarise(summarise_organs([scores]))
    width = max(len(name) for name in ("StructSeg-weighted mean", *(score.name for score in scores)))

    def row(name: str, dsc: str, hd95: str, nsd: str, volume: str = "", note: str = "") -> str:
        return f"{name:<{width}}  {dsc:>6}  {hd95:>8}  {nsd:>8}  {volume:>8}  {note}".rstrip()

    def means(name: str, dsc: float | None, hd95: float | None, nsd: float | None) -> str:
        return row(name, number(dsc, DSC.digits), number(hd95, HD95.digits), number(nsd, NSD.digits))

    rule = "-" * (width + 38)
    lines = [row("organ", DSC.title, HD95.title, NSD.title, "volume %"), rule]
    lines += [
        row(
            each.name,
            number(each.dsc, DSC.digits),
            number(each.hd95_mm, HD95.digits),
            number(each.nsd_1mm, NSD.digits),
            "-" if each.volume_error_percent is None else f"{each.volume_error_percent:+.1f}",
            _note(each),
        )
        for each in scores
    ]
    lines += [
        rule,
        means("mean", overall.dsc, overall.hd95_mm, overall.nsd_1mm),
        means(
            "StructSeg-weighted mean",
            overall.weighted_dsc,
            overall.weighted_hd95_mm,
            overall.weighted_nsd_1mm,
        ),
        "",
        f"organs missed: {overall.missed}; organs absent from the reference: {overall.not_in_reference}",
        *left_out,
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
