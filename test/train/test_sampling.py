"""Shares of the sources, from the names that nnU-Net draws from."""

from collections import Counter

import pytest

from hnseg_train.sampling import repeated, write_sampling

SOURCE = {**{f"rare_{n}": "rare" for n in range(3)}, **{f"many_{n}": "many" for n in range(60)}}


def test_shares_hold_whatever_the_numbers_of_samples(tmp_path) -> None:
    write_sampling(tmp_path, SOURCE, {"rare": 0.5, "many": 1.5})
    names = Counter(SOURCE[name] for name in repeated(list(SOURCE), tmp_path))
    assert names["rare"] / names.total() == pytest.approx(0.25, abs=0.01)


def test_shares_hold_among_the_samples_of_a_fold(tmp_path) -> None:
    write_sampling(tmp_path, SOURCE, {"rare": 1.0, "many": 1.0})
    fold = [name for name in SOURCE if name not in ("rare_0", "rare_1")]
    names = Counter(repeated(fold, tmp_path))
    assert names["rare_2"] / names.total() == pytest.approx(0.5, abs=0.02)
    assert set(names) == set(fold)


def test_the_first_names_are_of_all_sources(tmp_path) -> None:
    write_sampling(tmp_path, SOURCE, {"rare": 1.0, "many": 1.0})
    assert {SOURCE[name] for name in repeated(list(SOURCE), tmp_path)[:8]} == {"rare", "many"}


def test_one_source_is_left_in_order(tmp_path) -> None:
    names = ["b", "a", "c"]
    assert repeated(names, tmp_path) == names
    write_sampling(tmp_path, dict.fromkeys(names, ""), {"": 1.0})
    assert repeated(names, tmp_path) == names
