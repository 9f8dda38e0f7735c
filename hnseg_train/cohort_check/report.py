"""A data check as a sentence, as ``data_check.json`` and as ``data_check.md``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hnseg_infer import __version__
from hnseg_infer.errors import HNSegError
from hnseg_infer.files import write_whole
from hnseg_train.cohort_check.figures import grid_ranges, organ_statistics
from hnseg_train.cohort_check.findings import CaseCheck, CohortReport, Problem
from hnseg_train.cohort_check.markdown import markdown

JSON_NAME, MARKDOWN_NAME = "data_check.json", "data_check.md"

_NAMED = 10
"""How many cases the sentence names."""


def summary(report: CohortReport) -> str:
    """One sentence: how many errors, in which cases, of which kinds."""
    cases, errors, warnings = len(report.cases), len(report.errors), len(report.warnings)
    checked = f"{cases} case{'s' * (cases != 1)} of {report.folder}"
    counted = f"{warnings} warning{'s' * (warnings != 1)}"
    if not errors:
        return f"The data check found no error and {counted} in {checked}."
    kinds: dict[str | None, list[str]] = {}
    for case, problem in report.errors:
        kinds.setdefault(case, []).append(problem.code.replace("_", " "))
    named = "; ".join(f"{case}: {', '.join(found)}" for case, found in list(kinds.items())[:_NAMED])
    more = f"; and {len(kinds) - _NAMED} more cases" if len(kinds) > _NAMED else ""
    found = f"{errors} error{'s' * (errors != 1)}"
    return f"The data check found {found} and {counted} in {checked}; errors in {named}{more}."


def write_report(report: CohortReport, folder: Path) -> None:
    """Write ``data_check.json`` and ``data_check.md``; each file appears complete or not at all.

    Raises HNSegError when the folder cannot be written to.
    """
    text = json.dumps(report_json(report), indent=2, allow_nan=False) + "\n"
    # a file system may hold names of cases that are no text
    page = markdown(report, summary(report)).encode(errors="backslashreplace")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / JSON_NAME, (text.encode(),))
        write_whole(folder / MARKDOWN_NAME, (page,))
    except OSError as error:
        raise HNSegError(f"The data check cannot be written to {folder}: {error.strerror}.") from error


def report_json(report: CohortReport) -> dict[str, Any]:
    """The content of ``data_check.json``; spacings and positions in mm, volumes in cm3, sizes in voxels."""
    return {
        "software": f"hnseg {__version__}",
        "folder": report.folder,
        "summary": summary(report),
        "cases_checked": len(report.cases),
        "errors": len(report.errors),
        "warnings": len(report.warnings),
        "problems": [_problem(case, problem) for case, problem in report],
        "grids": {name: asdict(found) for name, found in grid_ranges(report).items()},
        "organs": [asdict(organ) for organ in organ_statistics(report)],
        "cases": [_case(case) for case in report.cases],
    }


def _problem(case: str | None, problem: Problem) -> dict[str, Any]:
    return {"case": case, **asdict(problem)}


def _case(case: CaseCheck) -> dict[str, Any]:
    return {
        "name": case.name,
        "size_xyz": case.size_xyz,
        "spacing_xyz": case.spacing_xyz,
        "organs": [
            {
                "id": organ.id,
                "name": organ.name,
                "voxels": organ.voxels,
                "volume_cm3": round(organ.volume_cm3, 4),
                "center_mm": [round(place, 2) for place in organ.center_mm],
                "pieces": organ.pieces,
                "outside_window": organ.outside_window,
                "median_hu": organ.median_hu,
            }
            for organ in case.organs
        ],
    }
