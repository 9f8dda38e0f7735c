"""Mean and deviation of what models see of CTs: the fixed statistics of the plan ``lite`` come from here.

    HNSEG_SHARED=../shared python benchmarks/view_statistics.py

Views and weights are those of the plan. Writes ``results/view_statistics.json`` and ``.md``.
"""

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from labelled_cts import LabelledCT, generated, openkbp, planning_cts
from record import add_output_options, origin, origin_line, write_result

from hnseg_infer.head_place import head_center
from hnseg_infer.resampling import resample, shape_at
from hnseg_infer.views import axial_window, cut
from hnseg_train.evaluation.table import markdown_table
from hnseg_train.recipes import LITE, NOMINAL_SPACING

SHARES = {"generated": 3, "planning CTs": 5, "OpenKBP": 2}
"""As in ``training/cohort.yaml``."""

SEED, PATIENTS, OPENKBP = 21, 24, 36

Statistics = dict[str, tuple[float, float]]
"""Mean and deviation in HU, by model."""


def main() -> int:
    """Look at every CT, average, write."""
    parser = argparse.ArgumentParser(description="Statistics of models' views.")
    add_output_options(parser, "view_statistics")
    arguments = parser.parse_args()
    data = Path(os.environ["HNSEG_SHARED"]) / "data"
    found = {
        "generated": [statistics(ct) for ct in generated(SEED, PATIENTS)],
        "planning CTs": [statistics(ct) for ct in planning_cts(data)],
        "OpenKBP": [statistics(at_nominal_spacing(ct)) for ct in first(openkbp(data), OPENKBP)],
    }
    result = origin() | {
        "sources": found,
        "mean": {name: weighted(found, name) for name in next(iter(found.values()))[0]},
    }
    write_result(arguments, result, page(result))
    return 0


def statistics(ct: LabelledCT) -> Statistics:
    """Of the models that see whole slices or the head."""
    head, spacing = head_center(ct.hu, ct.spacing), ct.spacing
    views = {
        model.name: cut(ct.hu, axial_window(model.crop, model.patch, len(ct.hu), head, spacing))
        for model in LITE.models
        if model.crop != "small_organ_roi"
    }
    return {
        name: (float(hu.mean(dtype=np.float64)), float(hu.std(dtype=np.float64)))
        for name, hu in views.items()
    }


def at_nominal_spacing(ct: LabelledCT) -> LabelledCT:
    """A CT of low resolution as the plan trains on it; its labels are not looked at."""
    hu = resample(ct.hu, shape_at(ct.hu.shape, ct.spacing, NOMINAL_SPACING))
    return LabelledCT(ct.name, hu, ct.labels, NOMINAL_SPACING)


def first(cts: Iterable[LabelledCT], count: int) -> list[LabelledCT]:
    """So many of them."""
    return [ct for ct, _ in zip(cts, range(count), strict=False)]


def weighted(found: Mapping[str, list[Statistics]], model: str) -> tuple[float, float]:
    """The sources' averages, weighted by their shares."""
    total = sum(SHARES[source] for source in found)
    mean, deviation = (
        sum(SHARES[source] * fmean(case[model][which] for case in cases) for source, cases in found.items())
        / total
        for which in (0, 1)
    )
    return mean, deviation


def page(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    models = list(result["mean"])
    rows = []
    for source, cases in result["sources"].items():
        cells = []
        for model in models:
            for which in (0, 1):
                values = [case[model][which] for case in cases]
                cells.append(f"{fmean(values):.0f} ({min(values):.0f} to {max(values):.0f})")
        rows.append((source, str(len(cases)), *cells))
    averages = [f"{value:.0f}" for model in models for value in result["mean"][model]]
    rows.append(("weighted by share", "", *averages))
    header = ["source", "CTs", *(f"{model}: {word}" for model in models for word in ("mean", "deviation"))]
    return [
        "# Statistics of what models see",
        "",
        "HU of the views of the plan `lite`, air beside the image included: average over CTs, in brackets "
        "the least and the largest.",
        "",
        *markdown_table(header, rows),
        "",
        origin_line(result, "none"),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
