"""Folds: every case held out once, from the names alone."""

import pytest

from hnseg_infer.errors import InputError
from hnseg_train.stages.folds import deal_folds

NAMES = [str(number) for number in range(1, 12)]


def test_every_case_is_held_out_once_and_folds_are_even() -> None:
    folds = deal_folds(NAMES, 3)
    assert sorted(name for fold in folds for name in fold) == sorted(NAMES)
    assert sorted(map(len, folds)) == [3, 4, 4]


def test_the_order_of_the_cases_does_not_matter() -> None:
    assert deal_folds(NAMES[::-1], 5) == deal_folds(NAMES, 5)


@pytest.mark.parametrize(("folds", "said"), [(1, "2 or more"), (0, "2 or more"), (12, "11 cases")])
def test_folds_that_cannot_be_are_refused(folds: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        deal_folds(NAMES, folds)
