"""Means over cases and organs.

DSC: every organ that the reference holds counts; one that the prediction lacks counts with 0.
HD95: every organ that both hold counts. The StructSeg-weighted means weigh an organ's mean by the
challenge's weight, keyed by organ name; organs that StructSeg does not list are left out of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_train.evaluation.metrics import OrganScore

_WEIGHTS = {organ.name: organ.weight for organ in STRUCTSEG_ORGANS}


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation (n - 1; None for a single value) and worst of some cases' values."""

    mean: float
    sd: float | None
    worst: float


@dataclass(frozen=True)
class OrganSummary:
    """One organ over all cases. dsc, hd95_mm: None when no case gives a value."""

    id: int
    name: str
    dsc: Spread | None
    hd95_mm: Spread | None
    missed: int
    not_in_reference: int


@dataclass(frozen=True)
class Overall:
    """Means over organs of the organs' means over cases; None when there is nothing to average."""

    dsc: float | None
    hd95_mm: float | None
    weighted_dsc: float | None
    weighted_hd95_mm: float | None
    missed: int
    not_in_reference: int


def summarise_organs(cases: Sequence[Sequence[OrganScore]]) -> list[OrganSummary]:
    """One summary per label value that occurs in any case's scores, by value."""
    by_id: dict[int, list[OrganScore]] = {}
    for score in (score for case in cases for score in case):
        by_id.setdefault(score.id, []).append(score)
    return [
        OrganSummary(
            id=value,
            name=scores[0].name,
            dsc=_spread([score.dsc for score in scores if score.dsc is not None], worst=min),
            hd95_mm=_spread([score.hd95_mm for score in scores if score.hd95_mm is not None], worst=max),
            missed=sum(score.missed for score in scores),
            not_in_reference=sum(not score.in_reference for score in scores),
        )
        for value, scores in sorted(by_id.items())
    ]


def summarise(organs: Sequence[OrganSummary]) -> Overall:
    """The means over organs, plain and StructSeg-weighted, and the counts over all cases."""
    dsc = {organ.name: organ.dsc.mean for organ in organs if organ.dsc is not None}
    hd95 = {organ.name: organ.hd95_mm.mean for organ in organs if organ.hd95_mm is not None}
    return Overall(
        dsc=fmean(dsc.values()) if dsc else None,
        hd95_mm=fmean(hd95.values()) if hd95 else None,
        weighted_dsc=_weighted(dsc),
        weighted_hd95_mm=_weighted(hd95),
        missed=sum(organ.missed for organ in organs),
        not_in_reference=sum(organ.not_in_reference for organ in organs),
    )


def _spread(values: list[float], worst: Callable[[list[float]], float]) -> Spread | None:
    if not values:
        return None
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None, worst(values))


def _weighted(means: dict[str, float]) -> float | None:
    listed = [name for name in means if name in _WEIGHTS]
    if not listed:
        return None
    return fmean([means[name] for name in listed], weights=[_WEIGHTS[name] for name in listed])
