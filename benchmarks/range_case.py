"""One labelled CT's range of slices and box of tissue against its labels, and what many of them come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import mean
from typing import Any

import numpy as np
from labelled_cts import BRAIN_STEM, LabelledCT

from hnseg_infer.preprocessing import tissue_box
from hnseg_infer.slice_range import ABOVE_MM, BELOW_BRAIN_MM, organ_slices

AIR = -1024


@dataclass(frozen=True)
class Case:
    """One CT. skipped: slices left out above and below; voxels, outside: labelled, and those left out;
    beside: those outside the rows and columns with tissue.

    below_mm, above_mm: from the lowest and highest labelled voxel to the range's ends, were the CT longer
    than it is. brain_mm: how far above the brain stem's lower end the lowest recognised brain is. None where
    no brain was recognised, so that nothing is left out, or where nothing is labelled.
    """

    name: str
    slices: int
    slice_mm: float
    skipped_above: int
    skipped_below: int
    voxels: int
    outside: int
    beside: int
    head_recognised: bool
    below_mm: float | None
    above_mm: float | None
    brain_mm: float | None


def examine(ct: LabelledCT) -> Case:
    """The range in one CT, and its distance from the labels when the CT goes on as air at both ends."""
    height = ct.spacing[0]
    kept = organ_slices(ct.hu, ct.spacing)
    labelled = np.count_nonzero(ct.labels, axis=(1, 2))
    below, above = (round(length / height) for length in (2 * BELOW_BRAIN_MM, 2 * ABOVE_MM))
    with_air = np.pad(ct.hu, ((below, above), (0, 0), (0, 0)), constant_values=AIR)
    longer = organ_slices(with_air, ct.spacing)
    recognised = (longer.start, longer.stop) != (0, len(with_air))
    occupied = np.flatnonzero(labelled) + below
    stem = np.flatnonzero((ct.labels == BRAIN_STEM).any(axis=(1, 2))) + below
    brain = longer.start + ceil(BELOW_BRAIN_MM / height)
    rows, columns = tissue_box(ct.hu[kept], ct.spacing)
    measurable = recognised and occupied.size > 0
    return Case(
        ct.name,
        len(ct.hu),
        height,
        len(ct.hu) - kept.stop,
        kept.start,
        int(labelled.sum()),
        int(labelled.sum() - labelled[kept].sum()),
        int(labelled[kept].sum() - np.count_nonzero(ct.labels[kept, rows, columns])),
        recognised,
        float((occupied[0] - longer.start) * height) if measurable else None,
        float((longer.stop - 1 - occupied[-1]) * height) if measurable else None,
        float((brain - stem[0]) * height) if measurable and stem.size else None,
    )


def summary(cases: Sequence[Case]) -> dict[str, Any]:
    """One line of the table."""
    spared = [(case.skipped_above + case.skipped_below) / case.slices for case in cases]
    below, above, brain = (
        [value for case in cases if (value := getattr(case, name)) is not None]
        for name in ("below_mm", "above_mm", "brain_mm")
    )
    return {
        "cases": len(cases),
        "no_head_recognised": sum(not case.head_recognised for case in cases),
        "voxels": sum(case.voxels for case in cases),
        "outside": sum(case.outside for case in cases),
        "beside": sum(case.beside for case in cases),
        "least_below_mm": min(below, default=None),
        "least_above_mm": min(above, default=None),
        "highest_brain_mm": max(brain, default=None),
        "cut_below": sum(case.skipped_below > 0 for case in cases),
        "skipped_mean": mean(spared),
        "skipped_least": min(spared),
        "skipped_most": max(spared),
    }
