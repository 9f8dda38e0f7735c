"""What is doubted, and what is not: invented patients against the statistics of others."""

from dataclasses import replace

import numpy as np
import pytest
from review.patients import PLACES, measure, patient

from hnseg_infer.installed import DEFAULT_FOLDER, MANIFEST, installed_bundles
from hnseg_infer.model_folder import read_json
from hnseg_infer.report import Warning
from hnseg_infer.review.anatomy import anatomy_json, read_anatomy
from hnseg_infer.review.reasons import out_of_view, reasons
from hnseg_train.anatomy import training_anatomy

BITS = [{name: 0.2 + 0.005 * (index % 9) for name in PLACES} for index in range(100)]
ANATOMY = training_anatomy([patient(np.random.default_rng(index)) for index in range(100)], BITS)
SIZE = (300.0, 300.0, 300.0)


def codes(found, missing=(), entropy=(), warnings=()) -> list[tuple[str, str | None]]:
    listed = reasons(found, dict(missing), dict(entropy), ANATOMY, warnings)
    return [(reason.code, reason.organ) for reason in listed]


def test_patients_like_the_trained_ones_need_no_review() -> None:
    doubted = [codes(patient(np.random.default_rng(seed)), entropy=BITS[0]) for seed in range(1000, 1200)]
    # left by right is beyond its limit in 1 of 150 of them
    assert sum(map(bool, doubted)) <= 4


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("brain_stem", {"volume_cm3": 80.0}, "unlikely_volume"),
        ("brain_stem", {"volume_cm3": 9.0}, "unlikely_volume"),
        ("brain_stem", {"at_border": True}, "cut_off"),
        ("brain_stem", {"outside_largest": 500, "voxels": 2800}, "several_pieces"),
    ],
)
def test_an_organ_unlike_the_trained_ones_is_named(name, changes, code) -> None:
    organs = dict(patient(np.random.default_rng(7)))
    organs[name] = replace(organs[name], **changes)
    assert codes(organs) == [(code, name)]


def test_what_is_cut_off_may_be_small_and_off_its_place() -> None:
    organs = dict(patient(np.random.default_rng(7)))
    z, y, x = organs["brain_stem"].center_mm
    organs["brain_stem"] = measure((z + 60, y, x), 4.0, at_border=True)
    assert codes(organs) == [("cut_off", "brain_stem")]


def test_what_is_far_too_large_is_so_at_the_edge_too() -> None:
    organs = dict(patient(np.random.default_rng(7)))
    organs["parotid_left"] = replace(organs["parotid_left"], volume_cm3=264.0, at_border=True)
    assert codes(organs) == [("cut_off", "parotid_left"), ("unlikely_volume", "parotid_left")]


@pytest.mark.parametrize("bundle", installed_bundles().values(), ids=installed_bundles())
def test_an_arm_is_no_parotid(bundle) -> None:
    anatomy = read_anatomy(read_json(bundle / MANIFEST)["anatomy"])
    found = {"parotid_left": measure((0.0, 0.0, 0.0), 264.0, at_border=True)}
    listed = reasons(found, {}, {}, anatomy, [])
    assert ("unlikely_volume", "parotid_left") in [(reason.code, reason.organ) for reason in listed]


@pytest.mark.parametrize(
    ("left", "right", "doubted"), [(100.0, 129.0, True), (129.0, 100.0, True), (99.0, 119.3, False)]
)
def test_unlike_temporal_lobes(left, right, doubted) -> None:
    """As the shipped statistics have it; the last two volumes are drawn contours of a real head."""
    anatomy = read_anatomy(read_json(DEFAULT_FOLDER / MANIFEST)["anatomy"])
    found = {
        "temporal_lobe_left": measure((0.0, 0.0, 0.0), left),
        "temporal_lobe_right": measure((0.0, 0.0, 0.0), right),
    }
    listed = [reason.code for reason in reasons(found, {}, {}, anatomy, [])]
    assert ("asymmetric" in listed) == doubted


def test_a_misplaced_organ_is_named() -> None:
    organs = dict(patient(np.random.default_rng(7)))
    z, y, x = organs["brain_stem"].center_mm
    organs["brain_stem"] = measure((z, y + 60, x), 28.0)
    assert ("unlikely_position", "brain_stem") in codes(organs)


def test_swapped_sides_are_seen() -> None:
    organs = dict(patient(np.random.default_rng(7)))
    organs["parotid_left"], organs["parotid_right"] = organs["parotid_right"], organs["parotid_left"]
    assert {"parotid_left", "parotid_right"} <= {
        organ for code, organ in codes(organs) if code == "unlikely_position"
    }


def test_unlike_sides_are_seen() -> None:
    organs = dict(patient(np.random.default_rng(7)))
    organs["parotid_left"] = replace(organs["parotid_left"], volume_cm3=54.0)
    organs["parotid_right"] = replace(organs["parotid_right"], volume_cm3=17.0)
    assert codes(organs) == [("asymmetric", "parotid_left")]


def test_an_unsure_network_is_heard() -> None:
    organs = patient(np.random.default_rng(7))
    assert codes(organs, entropy={"brain_stem": 0.5}) == [("unsure", "brain_stem")]
    assert not codes(organs, entropy={"brain_stem": 0.22})


def test_missing_organs_and_doubts_are_reasons() -> None:
    organs = dict(patient(np.random.default_rng(7)))
    del organs["parotid_left"]
    warnings = [Warning("hu_offset_removed", "1024 was subtracted."), Warning("padding_clipped", "Raised.")]
    assert codes(organs, {"parotid_left": False, "tongue": True}, (), warnings) == [
        ("hu_offset_removed", None),
        ("not_found", "parotid_left"),
        ("out_of_view", "tongue"),
    ]


def test_where_nothing_was_looked_for_nothing_is_missed() -> None:
    warnings = [Warning("no_head_or_neck", "Neither was found.")]
    assert codes({}, dict.fromkeys(PLACES, False), (), warnings) == [("no_head_or_neck", None)]


def test_without_statistics_only_the_mask_speaks() -> None:
    organs = {"brain_stem": measure((1.0, 1.0, 1.0), 9999.0, outside=0.3)}
    listed = reasons(organs, {}, {"brain_stem": 3.0}, None, [])
    assert [reason.code for reason in listed] == ["several_pieces"]


@pytest.mark.parametrize(
    ("shift", "outside"), [((150, 150, 150), False), ((150, 150, 260), True), ((20, 150, 150), True)]
)
def test_what_would_lie_outside_is_out_of_view(shift, outside) -> None:
    """The left parotid lies 30 mm below and 55 mm left of the brain stem."""
    organs = dict(patient(np.random.default_rng(7), shift=shift))
    del organs["parotid_left"]
    assert out_of_view(organs, ANATOMY, "parotid_left", SIZE) is outside


def test_one_organ_tells_roughly_where_another_is() -> None:
    alone = {"brain_stem": measure((10.0, 150.0, 150.0), 12.0, at_border=True)}
    assert out_of_view(alone, ANATOMY, "parotid_left", SIZE)
    assert not out_of_view({}, ANATOMY, "parotid_left", SIZE)
    assert not out_of_view(alone, ANATOMY, "tongue", SIZE)


def test_statistics_are_read_as_they_were_written() -> None:
    assert read_anatomy(anatomy_json(ANATOMY)) == ANATOMY


@pytest.mark.parametrize("value", [0, -1, float("nan"), "large"])
def test_impossible_statistics_are_refused(value) -> None:
    content = anatomy_json(ANATOMY)
    content["organs"]["brain_stem"]["volume_cm3"] = value
    with pytest.raises((ValueError, TypeError)):
        read_anatomy(content)
