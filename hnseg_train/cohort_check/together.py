"""What only shows when cases are seen together: the same one twice, missing organs, odd spacings."""

from collections.abc import Iterator, Sequence
from statistics import median

from hnseg_infer.spacing_rule import SpacingRange
from hnseg_infer.working_spacing import nearest_spacing
from hnseg_train.cohort_check.case import Rules
from hnseg_train.cohort_check.findings import ERROR, WARNING, CaseCheck, Problem


def duplicates(cases: Sequence[CaseCheck]) -> Iterator[tuple[Problem, ...]]:
    """Per case, a problem where its CT or its labels are voxel for voxel those of an earlier case.

    A patient who counts twice is trained on and tested on at once, which makes cross-validation worthless.
    """
    first_ct: dict[str, str] = {}
    first_labels: dict[str, str] = {}
    for case in cases:
        found = []
        for code, mark, first, what in (
            ("duplicate_ct", case.ct_fingerprint, first_ct, "The CT has"),
            ("duplicate_labels", case.label_fingerprint, first_labels, "The labels have"),
        ):
            earlier = case.name if mark is None else first.setdefault(mark, case.name)
            if earlier != case.name:
                message = f"{what} the same voxels as in case {earlier}; every patient may count only once."
                found.append(Problem(code, ERROR, message))
        yield tuple(found)


def absences(cases: Sequence[CaseCheck], rules: Rules) -> Iterator[tuple[Problem, ...]]:
    """Per case with any organ, a problem where it lacks organs that other cases have."""
    known = _labelled(cases)
    for case in cases:
        found = {organ.name for organ in case.organs}
        absent = tuple(
            name for name in rules.organs.values() if name in known - found - set(case.uncontoured)
        )
        if not found or not absent:
            yield ()
            continue
        message = f"No voxel is labelled {', '.join(absent)}; training takes that for the organs' absence."
        problems = [Problem("organs_absent", WARNING, message, absent)]
        small = tuple(name for name in rules.small_organs if name in absent)
        if small and not found.intersection(rules.small_organs):
            message = f"Without {' and '.join(small)} the 3D-small model gets no sample from this case."
            problems.append(Problem("no_small_organs", WARNING, message, small))
        yield tuple(problems)


def odd_spacings(cases: Sequence[CaseCheck]) -> Iterator[tuple[Problem, ...]]:
    """Per case, a problem where its voxels are far from the cohort's median: they look like other anatomy."""
    known = [case.spacing_xyz for case in cases if case.spacing_xyz is not None]
    if not known:
        yield from ((),) * len(cases)
        return
    usual_x, usual_y, usual_z = (median(along) for along in zip(*known, strict=True))
    usual = (usual_z, usual_y, usual_x)
    for case in cases:
        x, y, z = case.spacing_xyz or (usual_x, usual_y, usual_z)
        if nearest_spacing((z, y, x), SpacingRange(usual, usual)) == (z, y, x):
            yield ()
            continue
        here, there = (
            " x ".join(f"{mm:.3g}" for mm in spacing) for spacing in ((x, y, z), (usual_x, usual_y, usual_z))
        )
        message = (
            f"The voxel spacing of {here} mm is far from the cohort's median of {there} mm, and nothing is "
            "resampled."
        )
        yield (Problem("untypical_spacing", WARNING, message),)


def never_labelled(cases: Sequence[CaseCheck], rules: Rules) -> Iterator[Problem]:
    """A problem where the table lists organs that no case has."""
    known = _labelled(cases)
    never = tuple(name for name in rules.organs.values() if name not in known)
    if known and never:
        message = f"No case labels {', '.join(never)}, so no model can learn to find them."
        yield Problem("organ_in_no_case", WARNING, message, never)


def _labelled(cases: Sequence[CaseCheck]) -> set[str]:
    return {organ.name for case in cases for organ in case.organs}
