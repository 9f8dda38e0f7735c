"""Means, spreads, weights and counts worked out by hand."""

import pytest
from score_factory import absent, found, missed

from hnseg_train.evaluation.cohort import summarise, summarise_organs
from hnseg_train.evaluation.metrics import DSC, METRICS
from hnseg_train.evaluation.table import case_table, mean_sd

CASES = [
    [
        found(1, "brain_stem", 0.9, 2.0, 1.0, predicted=22.0, reference=20.0),
        found(4, "lens_left", 0.8, 1.0, 0.6, predicted=0.2, reference=0.2),
        absent(8, "optic_chiasm"),
    ],
    [
        found(1, "brain_stem", 0.7, 4.0, 0.4, predicted=18.0, reference=24.0),
        missed(4, "lens_left", reference=0.3),
        absent(8, "optic_chiasm"),
    ],
]


def test_spread_over_cases():
    brain_stem, lens, chiasm = summarise_organs(CASES)
    assert brain_stem.dsc.mean == pytest.approx(0.8)
    assert brain_stem.dsc.sd == pytest.approx(0.02**0.5)
    assert (brain_stem.dsc.worst, brain_stem.hd95_mm.worst, brain_stem.nsd_1mm.worst) == (0.7, 4.0, 0.4)
    # +2 of 20 and -6 of 24 cm3: the one farther from zero is the worse
    assert (brain_stem.volume_error_cm3.mean, brain_stem.volume_error_cm3.worst) == (-2.0, -6.0)
    assert brain_stem.volume_error_percent.mean == pytest.approx((10.0 - 25.0) / 2)
    assert lens.dsc.mean == pytest.approx(0.4)
    assert (lens.hd95_mm.mean, lens.hd95_mm.sd, lens.hd95_mm.count) == (1.0, None, 1)
    assert (lens.nsd_1mm.mean, lens.nsd_1mm.count) == (pytest.approx(0.3), 2)
    assert lens.volume_error_percent.mean == pytest.approx(-50.0)
    assert (lens.missed, lens.not_in_reference) == (1, 0)
    assert (chiasm.dsc, chiasm.hd95_mm, chiasm.not_in_reference) == (None, None, 2)


def test_means_over_organs():
    overall = summarise(summarise_organs(CASES))
    assert overall.dsc == pytest.approx((0.8 + 0.4) / 2)
    assert overall.hd95_mm == pytest.approx((3.0 + 1.0) / 2)
    # brain stem weighs 100, a lens 50
    assert overall.weighted_dsc == pytest.approx((100 * 0.8 + 50 * 0.4) / 150)
    assert overall.weighted_hd95_mm == pytest.approx((100 * 3.0 + 50 * 1.0) / 150)
    assert overall.nsd_1mm == pytest.approx((0.7 + 0.3) / 2)
    assert overall.weighted_nsd_1mm == pytest.approx((100 * 0.7 + 50 * 0.3) / 150)
    assert (overall.missed, overall.not_in_reference) == (1, 2)
    assert overall.means(DSC) == (overall.dsc, overall.weighted_dsc)
    assert overall.means(METRICS[-1]) == (None, None)


def test_weights_go_by_name_not_by_position():
    # In another label set the spinal cord (100) may be 1 and the left lens (50) 2.
    overall = summarise(
        summarise_organs([[found(1, "spinal_cord", 1.0, 0.0), found(2, "lens_left", 0.4, 3.0)]])
    )
    assert overall.weighted_dsc == pytest.approx((100 * 1.0 + 50 * 0.4) / 150)


def test_organs_outside_structseg_have_no_weighted_mean():
    overall = summarise(summarise_organs([[found(1, "larynx", 0.8, 1.0)]]))
    assert (overall.dsc, overall.weighted_dsc, overall.weighted_hd95_mm) == (0.8, None, None)


def test_nothing_to_average():
    overall = summarise(summarise_organs([[absent(1, "brain_stem")]]))
    assert (overall.dsc, overall.hd95_mm, overall.weighted_dsc) == (None, None, None)
    assert overall.not_in_reference == 1


def test_table_says_what_is_missing():
    invented = absent(8, "optic_chiasm", predicted=0.4)
    stem = found(1, "brain_stem", 0.9, 2.0, 0.75, predicted=22.0, reference=20.0)
    text = case_table([stem, missed(4, "lens_left"), invented])
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert lines["brain_stem"] == ["0.900", "2.00", "0.750", "+10.0"]
    assert lines["lens_left"] == ["0.000", "-", "0.000", "-100.0", "missed"]
    assert lines["optic_chiasm"] == [
        "-",
        "-",
        "-",
        "-",
        "absent",
        "from",
        "the",
        "reference,",
        "yet",
        "predicted",
    ]
    assert lines["mean"] == ["0.450", "2.00", "0.375"]
    assert "organs missed: 1; organs absent from the reference: 1" in text


def test_mean_sd():
    brain_stem, lens, chiasm = summarise_organs(CASES)
    assert mean_sd(brain_stem.dsc, 3) == "0.800 +- 0.141"
    assert mean_sd(lens.hd95_mm, 2) == "1.00"
    assert mean_sd(chiasm.dsc, 3) == "-"
