"""Folds: every case held out once, from the names alone."""

import pytest

from hnseg_infer.errors import InputError
from hnseg_train.stages.folds import deal_folds

NAMES = [str(number) for number in range(1, 12)]


def test_every_case_is_held_out_once_and_folds_are_even() -> None:
    folds = deal_folds([NAMES], 3)
    assert sorted(name for fold in folds for name in fold) == sorted(NAMES)
    assert sorted(map(len, folds)) == [3, 4, 4]


def test_the_order_of_the_cases_does_not_matter() -> None:
    assert deal_folds([NAMES[::-1]], 5) == deal_folds([NAMES], 5)


@pytest.mark.parametrize(("folds", "said"), [(1, "2 or more"), (0, "2 or more"), (12, "11 cases")])
def test_folds_that_cannot_be_are_refused(folds: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        deal_folds([NAMES], folds)


def test_each_source_is_spread_over_the_folds() -> None:
    sources = [["atlas_1", "atlas_2"], NAMES, ["other_1", "other_2", "other_3"]]
    folds = deal_folds(sources, 2)
    everyone = sorted(name for names in sources for name in names)
    assert sorted(name for fold in folds for name in fold) == everyone
    for names in sources:
        counts = [len(set(fold) & set(names)) for fold in folds]
        assert max(counts) - min(counts) <= 1
    assert abs(len(folds[0]) - len(folds[1])) <= 1
