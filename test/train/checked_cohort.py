"""Cohorts of one labelled head for the tests of the data check."""

from pathlib import Path

import numpy as np

from hnseg_infer.formats import write
from hnseg_infer.organ_names import STRUCTSEG_NAMES
from hnseg_infer.volume import Array, Volume
from hnseg_train.cohort_check import CohortReport, check_cohort

IDS = {name: value for value, name in STRUCTSEG_NAMES.items()}

Pair = tuple[Volume, Volume]


def moved(pair: Pair, columns: int) -> Pair:
    """Another patient: the same one some columns farther to the left."""
    ct, labels = (Volume(np.roll(volume.array, columns, axis=2), volume.geometry) for volume in pair)
    return ct, labels


def relabelled(labels: Volume, array: Array) -> Volume:
    return Volume(array.astype(np.uint8), labels.geometry)


def write_case(folder: Path, ct: Volume | None, labels: Volume | None) -> None:
    folder.mkdir(parents=True)
    for volume, name in ((ct, "data.nii.gz"), (labels, "label.nii.gz")):
        if volume is not None:
            write(volume, folder / name)


def problems_of(report: CohortReport, case: str | None) -> dict[str, str]:
    return {problem.code: problem.message for name, problem in report if name == case}


def errors_by_case(report: CohortReport) -> dict[str | None, set[str]]:
    return {
        name: {problem.code for case, problem in report.errors if case == name} for name, _ in report.errors
    }


def check_one(tmp_path: Path, ct: Volume | None, labels: Volume | None, **rules) -> dict[str, str]:
    write_case(tmp_path / "cohort" / "1", ct, labels)
    return problems_of(check_cohort(tmp_path / "cohort", **rules), "1")
