"""All cases of a folder, one after the other."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hnseg_infer.errors import InputError
from hnseg_infer.organ_names import STRUCTSEG_NAMES
from hnseg_train.cohort_check.case import CT_FILE, LABEL_FILE, Rules, check_case
from hnseg_train.cohort_check.findings import WARNING, CaseCheck, CohortReport, Problem
from hnseg_train.cohort_check.together import absences, duplicates, never_labelled, odd_spacings
from hnseg_train.recipes import PAPER, SMALL_ORGANS

ROI_SIZE_ZYX: tuple[int, int, int] = next(
    (model.patch[0], model.patch[1], model.patch[2])
    for model in PAPER.models
    if model.label_names is not None
)
"""The 3D-small model's box in voxels."""

_ACCEPTED = f"expected <case>/{CT_FILE} and <case>/{LABEL_FILE}"


def check_cohort(
    folder: Path,
    organs: Mapping[int, str] = STRUCTSEG_NAMES,
    *,
    small_organs: Sequence[str] = SMALL_ORGANS,
    roi_size_zyx: tuple[int, int, int] = ROI_SIZE_ZYX,
    resampled: bool = False,
    contoured: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CohortReport:
    """Read every case of a folder in StructSeg's layout once and report every problem of each.

    organs: name by label value (1 to 255), the table that training uses. resampled: whether all models see
    one spacing, so that the cases' own may differ. contoured: the organs that were contoured in cases that
    do not say which, None for all. progress takes cases done and cases in all. One case at a time is in
    memory. Raises InputError for a folder without any case and for an organ table that cannot be one;
    whatever is wrong with a case is in the report.
    """
    if not organs or not all(0 < value < 256 for value in organs):
        raise InputError(
            f"The organ table lists the values {sorted(organs)}; values from 1 to 255 are accepted."
        )
    if len(set(organs.values())) < len(organs):
        raise InputError("The organ table lists a name twice; one label value per organ is accepted.")
    rules = Rules(organs, small_organs, roi_size_zyx, contoured)
    try:
        folders, others = _case_folders(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.") from error
    cases: list[CaseCheck] = []
    for path in folders:
        if progress is not None:
            progress(len(cases), len(folders))
        cases.append(check_case(path, rules))
    if progress is not None:
        progress(len(cases), len(folders))
    spacings = [()] * len(cases) if resampled else odd_spacings(cases)
    together = zip(cases, duplicates(cases), absences(cases, rules), spacings, strict=True)
    return CohortReport(
        folder=str(folder),
        organs=tuple(sorted(organs.items())),
        cases=tuple(replace(case, problems=sum(more, case.problems)) for case, *more in together),
        problems=(*_passed_over(others), *never_labelled(cases, rules)),
    )


def _passed_over(others: Sequence[Path]) -> Iterator[Problem]:
    if others:
        names = ", ".join(path.name for path in others)
        message = f"Folders with neither {CT_FILE} nor {LABEL_FILE} are passed over: {names}."
        yield Problem("not_a_case", WARNING, message)


def _case_folders(folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders that hold a file of a case, and those that hold none, both in counting order."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; {_ACCEPTED}.")
    inner = sorted(_subfolders(folder), key=_counting)
    cases = [path for path in inner if _holds_case(path)]
    if not cases:
        deeper = next((path for path in inner if any(map(_holds_case, _subfolders(path)))), None)
        hint = f" (there are cases in {deeper})" if deeper is not None else ""
        raise InputError(f"No case was found in {folder}{hint}; {_ACCEPTED}.")
    return cases, [path for path in inner if path not in cases]


def _subfolders(folder: Path) -> list[Path]:
    # hidden ones are drafts of writers that were interrupted
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _holds_case(folder: Path) -> bool:
    # a link to nowhere is there, too: its case is to be named
    return any(os.path.lexists(folder / name) for name in (CT_FILE, LABEL_FILE))


def _counting(path: Path) -> list[tuple[int, str]]:
    """Sorts 2 before 10."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", path.name)]
