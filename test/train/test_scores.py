"""Scores with and without strays: which count."""

from pathlib import Path

from score_factory import absent, found, missed

from hnseg_train.evaluation.comparison import Group
from hnseg_train.stages.scores import WITHOUT_STRAYS, read_best, write_scores

CASES = ("a", "b")


def write(work: Path, model: str, by_case: dict) -> None:
    for case, scores in by_case.items():
        write_scores(work, model, case, scores)


def test_an_organ_loses_its_strays_unless_that_is_worse(tmp_path: Path) -> None:
    cord_with, cord_without = found(20, "spinal_cord", 0.6, 200.0), found(20, "spinal_cord", 0.8, 4.0)
    stem = found(1, "brain_stem", 0.8, 2.0)
    eye, eye_halved = found(2, "eye_left", 0.7, 3.0), found(2, "eye_left", 0.5, 9.0)
    other = [missed(2, "eye_left"), absent(20, "spinal_cord")]
    write(tmp_path, "2d", {"a": [stem, eye, cord_with], "b": other})
    write(
        tmp_path,
        f"2d/{WITHOUT_STRAYS}",
        {"a": [stem, eye_halved, cord_without], "b": other},
    )
    scores, organs = read_best(tmp_path, "2d", CASES, {})
    # of the brain stem there were no strays to lose
    assert organs == {"brain_stem", "spinal_cord"}
    assert scores["a"] == [stem, eye, cord_without]
    assert scores["b"] == other


def test_the_sources_shares_decide(tmp_path: Path) -> None:
    before = {case: [found(1, "brain_stem", dsc, 1.0)] for case, dsc in (("a", 0.5), ("b", 0.9))}
    after = {case: [found(1, "brain_stem", dsc, 1.0)] for case, dsc in (("a", 0.7), ("b", 0.6))}
    write(tmp_path, "3d", before)
    write(tmp_path, f"3d/{WITHOUT_STRAYS}", after)
    assert read_best(tmp_path, "3d", CASES, {}) == (before, frozenset())
    groups = {"a": Group("a", 3.0), "b": Group("b", 1.0)}
    assert read_best(tmp_path, "3d", CASES, groups) == (after, frozenset(["brain_stem"]))


def test_a_fused_result_is_scored_as_it_is(tmp_path: Path) -> None:
    fused = {"a": [found(1, "brain_stem", 0.5, 1.0)]}
    write(tmp_path, "fused", fused)
    assert read_best(tmp_path, "fused", ["a"], {}) == (fused, frozenset())
