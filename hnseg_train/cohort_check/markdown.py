"""The data check as a page for people."""

from collections.abc import Iterable, Iterator, Sequence

from hnseg_train.cohort_check.figures import cases_with, grid_ranges, organ_statistics
from hnseg_train.cohort_check.findings import CohortReport

_DEFINITIONS = (
    "An error means that the case cannot be trained on as it is; a warning, that somebody should look at it. "
    "Volumes: mean and sample standard deviation over the cases that hold the organ. "
    "Outside: voxels that the 3D model's crop window leaves out."
)


def markdown(report: CohortReport, sentence: str) -> str:
    """Summary, problems by kind, problems by case, the cohort's grids and organs."""
    lines = ["# Data check", "", sentence, ""]
    if report.errors or report.warnings:
        lines += [
            "## Kinds of problems",
            "",
            *_table(("kind", "severity", "number", "cases"), _kinds(report)),
            "",
        ]
        lines += ["## Problems", "", *_problems(report)]
    lines += ["## Grids", "", *_table(("", "smallest", "median", "largest"), _grids(report)), ""]
    heads = (
        "id",
        "organ",
        "cases",
        "cm3, mean ± SD",
        "smallest",
        "largest",
        "cases outside",
        "voxels outside",
    )
    lines += ["## Organs", "", *_table(heads, _organs(report)), "", _DEFINITIONS]
    return "\n".join(lines) + "\n"


def _kinds(report: CohortReport) -> Iterator[tuple[str, ...]]:
    severities = {problem.code: problem.severity for _, problem in report}
    for code, severity in sorted(severities.items(), key=lambda item: (item[1], item[0])):
        cases = cases_with(report, code)
        yield f"`{code}`", severity, str(len(cases)) if cases else "-", ", ".join(cases) or "the cohort"


def _problems(report: CohortReport) -> Iterator[str]:
    groups = [("The cohort", report.problems)] + [
        (f"Case {case.name}", case.problems) for case in report.cases
    ]
    for title, problems in groups:
        if problems:
            yield f"### {title}"
            yield ""
            # errors first, as "error" sorts before "warning"
            for problem in sorted(problems, key=lambda found: found.severity):
                yield f"- **{problem.severity}** `{problem.code}`: {problem.message}"
            yield ""


def _grids(report: CohortReport) -> Iterator[tuple[str, ...]]:
    for name, found in grid_ranges(report).items():
        unit = "mm" if name.startswith("spacing") else "voxels"
        yield f"{name}, {unit}", f"{found.low:.4g}", f"{found.median:.4g}", f"{found.high:.4g}"


def _organs(report: CohortReport) -> Iterator[tuple[str, ...]]:
    for organ in organ_statistics(report):
        spread = "" if organ.sd_cm3 is None else f" ± {_cm3(organ.sd_cm3)}"
        yield (
            str(organ.id),
            organ.name,
            f"{organ.cases} of {len(report.cases)}",
            f"{_cm3(organ.mean_cm3)}{spread}",
            _cm3(organ.low_cm3),
            _cm3(organ.high_cm3),
            str(organ.cases_outside),
            str(organ.voxels_outside),
        )


def _cm3(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        # a case may be called anything that a folder may
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
