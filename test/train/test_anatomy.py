"""Statistics of invented patients come back, whatever their shifts and whatever is missing."""

import numpy as np
import pytest
from review.patients import PLACES, VOLUMES, measure, patient

from hnseg_train.anatomy import FEWEST_CASES, training_anatomy


def test_places_sizes_and_spreads_come_back() -> None:
    rng = np.random.default_rng(1)
    anatomy = training_anatomy([patient(rng) for _ in range(400)])
    middle = np.mean(list(PLACES.values()), axis=0)
    for name, known in anatomy.organs.items():
        assert known.cases == 400
        assert known.volume_cm3 == pytest.approx(VOLUMES[name], rel=0.05)
        assert known.volume_factor == pytest.approx(1.2, abs=0.02)
        np.testing.assert_allclose(known.position_mm, np.array(PLACES[name]) - middle, atol=0.7)
        # 3 mm of the organ itself and those of the median of two others
        np.testing.assert_allclose(known.position_sd_mm, 3 * np.sqrt(1 + 1 / 2), rtol=0.15)
        assert known.at_border == 0
        assert known.entropy_bits is None
    (pair,) = anatomy.pairs
    assert (pair.left, pair.right) == ("parotid_left", "parotid_right")
    assert pair.ratio == pytest.approx(1, abs=0.05)
    assert pair.ratio_factor == pytest.approx(1.2 ** np.sqrt(2), abs=0.03)


def test_organs_may_be_missing_or_cut() -> None:
    rng = np.random.default_rng(2)
    patients = []
    for index in range(200):
        organs = dict(patient(rng))
        if index % 2:
            del organs["parotid_left"]
        elif index % 4:
            # half of one is outside: its place and volume are not the organ's
            organs["parotid_right"] = measure((0.0, 0.0, 0.0), 3.0, at_border=True)
        patients.append(organs)
    anatomy = training_anatomy(patients)
    assert anatomy.organs["parotid_left"].cases == 100
    right = anatomy.organs["parotid_right"]
    assert (right.cases, right.at_border) == (150, 0.25)
    assert right.volume_cm3 == pytest.approx(VOLUMES["parotid_right"], rel=0.05)
    apart = np.subtract(anatomy.organs["parotid_left"].position_mm, right.position_mm)
    np.testing.assert_allclose(apart, (0, 0, 110), atol=1.5)


def test_entropies_are_those_of_the_cases_that_have_one() -> None:
    rng = np.random.default_rng(3)
    bits = [{"brain_stem": 0.1 + 0.01 * index} for index in range(20)]
    anatomy = training_anatomy([patient(rng) for _ in range(20)], bits)
    known = anatomy.organs["brain_stem"]
    assert known.entropy_bits == pytest.approx(0.195)
    assert known.entropy_sd_bits == pytest.approx(
        np.std([0.01 * index for index in range(20)], ddof=1), abs=1e-4
    )
    assert anatomy.organs["parotid_left"].entropy_bits is None


def test_too_few_patients_give_no_anatomy() -> None:
    rng = np.random.default_rng(4)
    anatomy = training_anatomy([patient(rng) for _ in range(FEWEST_CASES - 1)])
    assert not anatomy.organs
    assert not anatomy.pairs
    assert training_anatomy([{}, {}]).organs == {}
