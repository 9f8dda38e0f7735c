"""The choice between models on made-up scores, and the signed-rank test against counting all outcomes."""

from itertools import product

import pytest
from score_factory import absent, found, missed

from hnseg_infer.errors import InputError
from hnseg_train.evaluation.cohort import summarise, summarise_organs
from hnseg_train.evaluation.comparison import Group, choose, compare, mean_by_group, signed_rank_p


def cases(*organs):
    """organs: id, name and a DSC for every case, None for a missed organ, "-" for one no reference holds."""

    def score(value, name, dsc):
        if dsc == "-":
            return absent(value, name)
        return missed(value, name) if dsc is None else found(value, name, dsc, 10 * (1 - dsc))

    count = len(organs[0][2])
    return {
        f"case{index}": [score(value, name, dsc[index]) for value, name, dsc in organs]
        for index in range(count)
    }


def only(comparison):
    (organ,) = comparison.organs
    return organ


def test_the_better_model_provides():
    assert choose({"2d": 0.80, "3d": 0.85}, "2d") == "3d"
    assert choose({"2d": 0.80, "3d": 0.85}) == "3d"


def test_the_published_model_wins_within_the_margin():
    assert choose({"2d": 0.800, "3d": 0.804}, "2d") == "2d"
    assert choose({"2d": 0.800, "3d": 0.806}, "2d") == "3d"
    assert choose({"2d": 0.800, "3d": 0.806}, "3d") == "3d"


def test_without_figures_the_published_model_stays():
    assert choose({}, "3d_small") == "3d_small"
    assert choose({}) is None


def test_a_published_model_that_was_not_scored_is_not_chosen():
    assert choose({"2d": 0.002}, "3d") == "2d"


def test_of_equal_models_the_first():
    assert choose({"b": 0.8, "a": 0.8}) == "b"
    assert choose({"b": 0.8, "a": 0.8}, "a") == "a"


def test_margin_and_runner_up():
    organ = only(
        compare(
            {
                "2d": cases((1, "brain_stem", [0.6, 0.8])),
                "3d": cases((1, "brain_stem", [0.9, 0.8])),
                "3d_small": cases((1, "brain_stem", [0.8, 0.8])),
            }
        )
    )
    assert (organ.provider, organ.runner_up, organ.reason) == ("3d", "3d_small", "highest DSC")
    assert organ.margin == pytest.approx(0.85 - 0.80)
    assert organ.p is None
    assert list(organ.by_model) == ["2d", "3d", "3d_small"]
    assert organ.by_model["2d"].dsc.mean == pytest.approx(0.7)


def test_a_published_model_keeps_the_organ_with_a_negative_margin():
    scores = {"2d": cases((1, "brain_stem", [0.800])), "3d": cases((1, "brain_stem", [0.804]))}
    organ = only(compare(scores, {"brain_stem": "2d"}))
    assert (organ.provider, organ.runner_up) == ("2d", "3d")
    assert organ.margin == pytest.approx(-0.004)
    assert organ.reason.startswith("published")
    assert only(compare(scores)).provider == "3d"


def test_missing_an_organ_counts_as_zero():
    scores = {"2d": cases((1, "brain_stem", [0.9, None])), "3d": cases((1, "brain_stem", [0.5, 0.5]))}
    organ = only(compare(scores))
    assert (organ.provider, organ.margin) == ("3d", pytest.approx(0.05))
    assert organ.by_model["2d"].missed == 1


def test_cases_without_the_organ_do_not_count():
    scores = {
        "2d": cases((1, "brain_stem", ["-", 0.7, 0.5])),
        "3d": cases((1, "brain_stem", ["-", 0.6, 0.5])),
    }
    assert only(compare(scores)).margin == pytest.approx(0.05)


def test_organs_that_nobody_or_one_model_knows():
    scores = {
        "2d": cases((1, "brain_stem", [0.8]), (8, "optic_chiasm", ["-"])),
        "3d_small": cases((8, "optic_chiasm", ["-"])),
    }
    stem, chiasm = compare(scores).organs
    assert (stem.provider, stem.runner_up, stem.margin, stem.reason) == ("2d", None, None, "the only model")
    assert (chiasm.provider, chiasm.margin, chiasm.reason) == (None, None, "not scored")
    published = compare(scores, {"optic_chiasm": "3d_small", "brain_stem": "3d"})
    assert published.provider == {"brain_stem": "2d", "optic_chiasm": "3d_small"}
    assert compare(scores).provider == {"brain_stem": "2d"}


def test_the_combination_takes_each_organ_from_its_provider():
    scores = {
        "2d": cases((2, "eye_left", [0.9, 0.7]), (1, "brain_stem", [0.6, 0.6])),
        "3d": cases((2, "eye_left", [0.5, 0.5]), (1, "brain_stem", [0.8, 0.6])),
    }
    combined = compare(scores).combined
    assert [[score.dsc for score in case] for case in combined.values()] == [[0.8, 0.9], [0.6, 0.7]]
    overall = [summarise(summarise_organs(of.values())).dsc for of in (combined, *scores.values())]
    assert overall == pytest.approx([0.75, 0.7, 0.6])


def test_others_than_the_candidates_are_shown_but_not_chosen():
    scores = {
        "2d": cases((1, "brain_stem", [0.7])),
        "3d": cases((1, "brain_stem", [0.6])),
        "nnunet": cases((1, "brain_stem", [0.9])),
    }
    organ = only(compare(scores, candidates=("2d", "3d")))
    assert (organ.provider, organ.runner_up) == ("2d", "3d")
    assert organ.by_model["nnunet"].dsc.mean == 0.9


def test_nothing_to_compare():
    empty = compare({})
    assert (empty.models, empty.organs, dict(empty.combined)) == ((), (), {})


def test_other_cases_are_refused():
    two, one = cases((1, "brain_stem", [0.9, 0.8])), cases((1, "brain_stem", [0.9]))
    with pytest.raises(InputError, match="Model 3d was scored on 1 cases that are not the 2 of model 2d"):
        compare({"2d": two, "3d": one})
    gap = {"case0": one["case0"], "case1": []}
    with pytest.raises(InputError, match="scored on brain_stem in different cases"):
        compare({"2d": two, "3d": gap})


def counted_p(differences):
    """Two-sided p by giving the ranks every possible set of signs; ties share their mean rank."""
    sizes = sorted(abs(difference) for difference in differences)
    ranks = [
        sum(place for place, size in enumerate(sizes, start=1) if size == abs(difference))
        / sizes.count(abs(difference))
        for difference in differences
    ]
    middle = sum(ranks) / 2
    seen = sum(rank for rank, difference in zip(ranks, differences, strict=True) if difference > 0)
    outcomes = [
        abs(sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign) - middle)
        for signs in product((0, 1), repeat=len(ranks))
    ]
    return sum(outcome >= abs(seen - middle) - 1e-9 for outcome in outcomes) / len(outcomes)


@pytest.mark.parametrize(
    "differences",
    [
        [0.01, 0.02, 0.03, 0.04, 0.05, 0.06],
        [-0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07],
        [0.03, -0.05, 0.01, -0.02, 0.08, 0.04, -0.06, 0.07, 0.09],
        [0.02, 0.02, 0.02, -0.02, 0.05, 0.05, 0.01, -0.01],
    ],
)
def test_signed_rank_p(differences):
    first, second = [0.5 + difference for difference in differences], [0.5] * len(differences)
    assert signed_rank_p(first, second) == pytest.approx(counted_p(differences))
    assert signed_rank_p(second, first) == pytest.approx(counted_p(differences))


def test_signed_rank_p_by_hand():
    # all six of one sign: 2 of 2^6 outcomes
    assert signed_rank_p([0.6, 0.62, 0.63, 0.64, 0.65, 0.66], [0.5] * 6) == pytest.approx(2 / 64)


def test_equal_pairs_are_dropped():
    first, second = [0.6, 0.62, 0.63, 0.64, 0.65, 0.66], [0.5] * 6
    assert signed_rank_p([*first, 0.7, 0.1], [*second, 0.7, 0.1]) == signed_rank_p(first, second)
    # 0.3 - 0.2 and 0.2 - 0.1 differ in their last bit, yet tie
    assert signed_rank_p([0.3, 0.2, *first], [0.2, 0.1, *second]) == pytest.approx(
        counted_p([0.1, 0.1, 0.1, 0.12, 0.13, 0.14, 0.15, 0.16])
    )


def test_too_few_pairs():
    assert signed_rank_p([0.6] * 5, [0.5] * 5) is None
    assert signed_rank_p([0.5] * 20, [0.5] * 20) is None
    assert signed_rank_p([], []) is None


def test_no_group_decides_by_its_number_of_cases():
    # 2d is better in three cases of one group, 3d by more in the one case of the other
    scores = {
        "2d": cases((1, "brain_stem", [0.8, 0.8, 0.8, 0.5])),
        "3d": cases((1, "brain_stem", [0.7, 0.7, 0.7, 0.7])),
    }
    groups = {f"case{n}": Group("many", 1.0) for n in range(3)} | {"case3": Group("few", 1.0)}
    assert only(compare(scores)).provider == "2d"
    choice = only(compare(scores, groups=groups))
    assert choice.provider == "3d"
    assert choice.margin == pytest.approx((0.7 + 0.7) / 2 - (0.8 + 0.5) / 2)


def test_groups_count_by_share():
    groups = {"a": Group("one", 3.0), "b": Group("one", 3.0), "c": Group("two", 1.0)}
    assert mean_by_group({"a": 0.2, "b": 0.4, "c": 0.9}, groups) == pytest.approx((3 * 0.3 + 0.9) / 4)
    assert mean_by_group({"a": 0.2, "x": 0.6}, {}) == pytest.approx(0.4)
