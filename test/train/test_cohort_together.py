"""What only shows when cases are seen together: voxels unlike the other cases'."""

from collections.abc import Sequence

from hnseg_train.cohort_check.findings import CaseCheck
from hnseg_train.cohort_check.together import odd_spacings


def case(name: str, spacing_xyz: tuple[float, float, float] | None) -> CaseCheck:
    return CaseCheck(name, None, spacing_xyz, (), (), None, None)


def odd(cases: Sequence[CaseCheck]) -> dict[str, str]:
    """Messages by case name."""
    return {
        case.name: problem.message
        for case, problems in zip(cases, odd_spacings(cases), strict=True)
        for problem in problems
    }


def test_a_case_far_from_the_others_is_named() -> None:
    usual = [case(str(index), (1.0, 1.0, 3.0)) for index in range(4)]
    within = case("within", (1.2, 0.81, 2.5))
    thick = case("thick", (1.0, 1.0, 5.0))
    thin = case("thin", (1.0, 1.0, 2.0))
    fine = case("fine", (0.5, 0.5, 3.0))
    unread = case("unread", None)
    found = odd([*usual, within, thick, thin, fine, unread])
    assert list(found) == ["thick", "fine"]
    assert "1 x 1 x 5 mm is far from the cohort's median of 1 x 1 x 3 mm" in found["thick"]


def test_cases_that_cannot_be_read_have_no_spacing() -> None:
    assert not odd([case("a", None), case("b", None)])
    assert not odd([])
