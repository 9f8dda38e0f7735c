"""Many cases in one server: the verdict, and a few small cases."""

import pytest
from invoke_memory import check


def cases(*memory: float, same: bool = True) -> list[dict]:
    return [{"rss_mib": value, "same_mask": same} for value in memory]


def test_memory_may_swing_but_not_grow():
    assert all(item.passed for item in check(cases(500, 900, 1000, 600, 1000, 990)))
    growth, masks = check(cases(500, 1000, 900, 1100))
    assert growth.measured == pytest.approx(0.1)
    assert (growth.passed, masks.passed) == (False, True)
    assert all(item.passed for item in check(cases(500)))


def test_a_single_other_mask_fails():
    _, masks = check([*cases(500, 500), *cases(500, same=False)])
    assert (masks.measured, masks.passed) == (1, False)


@pytest.mark.slow
def test_cases_in_a_row(script, tiny_bundle, coarse_ct):
    options = ("--bundle", tiny_bundle, "--ct", coarse_ct, coarse_ct, "--cases", "3", "--device", "cpu")
    code, result, page = script("invoke_memory", *options)
    assert code == 0
    assert [case["same_mask"] for case in result["cases"]] == [True] * 3
    assert all(case["rss_mib"] > 50 for case in result["cases"])
    assert "| 3 | head.mha |" in page
