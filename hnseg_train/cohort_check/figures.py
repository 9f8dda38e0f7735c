"""The cohort in figures: grids, and how often and how large each organ is."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from hnseg_train.cohort_check.findings import CohortReport


@dataclass(frozen=True)
class Range:
    """Smallest, median and largest of the cohort's values."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class OrganStatistics:
    """One organ over all readable label files.

    cases: how many hold it. mean_cm3, low_cm3, high_cm3: None when none does. sd_cm3: sample (n - 1), None
    for fewer than two. cases_outside, voxels_outside: the crop window of the 3D model.
    """

    id: int
    name: str
    cases: int
    mean_cm3: float | None
    sd_cm3: float | None
    low_cm3: float | None
    high_cm3: float | None
    cases_outside: int
    voxels_outside: int


def grid_ranges(report: CohortReport) -> dict[str, Range]:
    """Spacing (mm) and size (voxels) along x, y, z over all readable CTs; empty without any."""
    spacings = [case.spacing_xyz for case in report.cases if case.spacing_xyz is not None]
    sizes = [case.size_xyz for case in report.cases if case.size_xyz is not None]
    ranges = {}
    for what, values in (("spacing", spacings), ("size", sizes)):
        for axis, along in zip("xyz", zip(*values, strict=True), strict=False):
            ranges[f"{what} {axis}"] = Range(min(along), median(along), max(along))
    return ranges


def organ_statistics(report: CohortReport) -> list[OrganStatistics]:
    """One entry per organ of the table, by label value."""
    statistics = []
    for value, name in report.organs:
        found = [organ for case in report.cases for organ in case.organs if organ.id == value]
        volumes = [organ.volume_cm3 for organ in found]
        outside = [organ.outside_window for organ in found if organ.outside_window]
        statistics.append(
            OrganStatistics(
                id=value,
                name=name,
                cases=len(found),
                mean_cm3=fmean(volumes) if volumes else None,
                sd_cm3=stdev(volumes) if len(volumes) > 1 else None,
                low_cm3=min(volumes, default=None),
                high_cm3=max(volumes, default=None),
                cases_outside=len(outside),
                voxels_outside=sum(outside),
            )
        )
    return statistics


def cases_with(report: CohortReport, code: str) -> Sequence[str]:
    """Names of the cases that have a problem of this code."""
    return [case.name for case in report.cases if any(found.code == code for found in case.problems)]
