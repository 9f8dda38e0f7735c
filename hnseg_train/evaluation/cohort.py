"""Means over cases and organs.

DSC, NSD and volume error: every organ that the reference holds counts; one that the prediction lacks counts
with DSC 0, NSD 0 and -100 %. HD95: every organ that both hold counts. The StructSeg-weighted means weigh an
organ's mean by the challenge's weight, keyed by organ name; organs that StructSeg does not list are left out
of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_train.evaluation.metrics import DSC, HD95, METRICS, NSD, Metric, OrganScore

Cases = Mapping[str, Sequence[OrganScore]]
"""The scores of several cases, by the case's name."""

WEIGHTS = {organ.name: organ.weight for organ in STRUCTSEG_ORGANS}


@dataclass(frozen=True)
class Spread:
    """Some cases' values: mean, sample standard deviation (n - 1; None for one value), worst, how many."""

    mean: float
    sd: float | None
    worst: float
    count: int


@dataclass(frozen=True)
class OrganSummary:
    """One organ over all cases. A metric is None when no case gives a value."""

    id: int
    name: str
    dsc: Spread | None
    hd95_mm: Spread | None
    nsd_1mm: Spread | None
    volume_error_cm3: Spread | None
    volume_error_percent: Spread | None
    missed: int
    not_in_reference: int

    def spread(self, metric: Metric) -> Spread | None:
        """The metric's values over the cases."""
        values: Spread | None = getattr(self, metric.key)
        return values


@dataclass(frozen=True)
class Overall:
    """Means over organs of the organs' means over cases; None when there is nothing to average."""

    dsc: float | None
    hd95_mm: float | None
    nsd_1mm: float | None
    weighted_dsc: float | None
    weighted_hd95_mm: float | None
    weighted_nsd_1mm: float | None
    missed: int
    not_in_reference: int

    def means(self, metric: Metric) -> tuple[float | None, float | None]:
        """Plain and weighted mean; volume errors, which may cancel between organs, have none."""
        return getattr(self, metric.key, None), getattr(self, f"weighted_{metric.key}", None)


def summarise_organs(cases: Iterable[Sequence[OrganScore]]) -> list[OrganSummary]:
    """One summary per label value that occurs in any case's scores, by value."""
    by_id: dict[int, list[OrganScore]] = {}
    for score in (score for case in cases for score in case):
        by_id.setdefault(score.id, []).append(score)
    return [_summary(value, scores) for value, scores in sorted(by_id.items())]


def summarise(organs: Sequence[OrganSummary]) -> Overall:
    """The means over organs, plain and StructSeg-weighted, and the counts over all cases."""
    dsc, hd95, nsd = (
        {organ.name: spread.mean for organ in organs if (spread := organ.spread(metric)) is not None}
        for metric in (DSC, HD95, NSD)
    )
    return Overall(
        dsc=_mean(dsc),
        hd95_mm=_mean(hd95),
        nsd_1mm=_mean(nsd),
        weighted_dsc=_weighted(dsc),
        weighted_hd95_mm=_weighted(hd95),
        weighted_nsd_1mm=_weighted(nsd),
        missed=sum(organ.missed for organ in organs),
        not_in_reference=sum(organ.not_in_reference for organ in organs),
    )


def _summary(value: int, scores: Sequence[OrganScore]) -> OrganSummary:
    dsc, hd95, nsd, cm3, percent = (_spread(metric, scores) for metric in METRICS)
    return OrganSummary(
        id=value,
        name=scores[0].name,
        dsc=dsc,
        hd95_mm=hd95,
        nsd_1mm=nsd,
        volume_error_cm3=cm3,
        volume_error_percent=percent,
        missed=sum(score.missed for score in scores),
        not_in_reference=sum(not score.in_reference for score in scores),
    )


def _spread(metric: Metric, scores: Iterable[OrganScore]) -> Spread | None:
    values = [value for score in scores if (value := metric.of(score)) is not None]
    if not values:
        return None
    sd = stdev(values) if len(values) > 1 else None
    return Spread(fmean(values), sd, metric.worst(values), len(values))


def _mean(means: dict[str, float]) -> float | None:
    return fmean(means.values()) if means else None


def _weighted(means: dict[str, float]) -> float | None:
    listed = [name for name in means if name in WEIGHTS]
    if not listed:
        return None
    return fmean([means[name] for name in listed], weights=[WEIGHTS[name] for name in listed])
