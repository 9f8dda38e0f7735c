"""What a data check found: problems and facts, per case and for the cohort.

Voxel sizes and counts are in x, y, z order where the name says so; positions are LPS mm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hnseg_infer.preprocessing import Window

Severity = Literal["error", "warning"]

ERROR: Severity = "error"
"""The case cannot be trained on as it is."""

WARNING: Severity = "warning"
"""Somebody should look at it; training goes on."""


@dataclass(frozen=True)
class Problem:
    """``code`` for programs, ``message`` one sentence for people, ``organs`` the names it is about."""

    code: str
    severity: Severity
    message: str
    organs: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrganFacts:
    """One organ of one label file.

    center_mm: centroid. box: smallest box of canonical voxels ``[z, y, x]`` that holds the organ.
    pieces: parts that do not even touch at a corner; outside_largest: voxels of all but the largest;
    stray_mm: gap between the boxes of the largest and the farthest piece, along the axis where it is widest.
    outside_window: voxels that the 3D model's crop window leaves out; it and median_hu are None without a
    usable CT on the same grid.
    """

    id: int
    name: str
    voxels: int
    volume_cm3: float
    center_mm: tuple[float, float, float]
    box: Window
    pieces: int
    outside_largest: int
    stray_mm: float
    outside_window: int | None
    median_hu: float | None


@dataclass(frozen=True)
class CaseCheck:
    """One case. Size and spacing (mm) are the CT's along patient axes; None when it cannot be read.

    The fingerprints are equal for equal voxels; None for what could not be read or holds no organ.
    uncontoured: organs of the table that nobody contoured in it.
    """

    name: str
    size_xyz: tuple[int, int, int] | None
    spacing_xyz: tuple[float, float, float] | None
    organs: tuple[OrganFacts, ...]
    problems: tuple[Problem, ...]
    ct_fingerprint: str | None
    label_fingerprint: str | None
    uncontoured: tuple[str, ...] = ()


@dataclass(frozen=True)
class CohortReport:
    """All cases of a folder; ``organs`` is the table (id, name), ``problems`` are the whole cohort's."""

    folder: str
    organs: tuple[tuple[int, str], ...]
    cases: tuple[CaseCheck, ...]
    problems: tuple[Problem, ...]

    def __iter__(self) -> Iterator[tuple[str | None, Problem]]:
        """Every problem with its case's name; None for the cohort's own, which come first."""
        yield from ((None, problem) for problem in self.problems)
        yield from ((case.name, problem) for case in self.cases for problem in case.problems)

    @property
    def errors(self) -> list[tuple[str | None, Problem]]:
        """What stops a training."""
        return [(case, problem) for case, problem in self if problem.severity == ERROR]

    @property
    def warnings(self) -> list[tuple[str | None, Problem]]:
        """What somebody should look at."""
        return [(case, problem) for case, problem in self if problem.severity == WARNING]
