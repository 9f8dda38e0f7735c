"""Facts about organs, counted by hand, and what is doubted about them."""

import numpy as np
import pytest

from hnseg_infer.organs import side_of
from hnseg_infer.volume import Geometry
from hnseg_train.cohort_check.findings import OrganFacts
from hnseg_train.cohort_check.label_map import organ_labels
from hnseg_train.cohort_check.measure import organ_facts
from hnseg_train.cohort_check.plausibility import implausible

GEOMETRY = Geometry((8, 10, 12), (1.0, 2.0, 3.0), (-5.0, 7.0, 100.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def organ(name: str, center=(0.0, 0.0, 0.0), cm3: float = 0.0, **changes) -> OrganFacts:
    facts = {
        "id": 1,
        "voxels": 100,
        "box": (slice(0, 1),) * 3,
        "pieces": 1,
        "outside_largest": 0,
        "stray_mm": 0.0,
        "outside_window": None,
        "median_hu": None,
    }
    return OrganFacts(name=name, center_mm=center, volume_cm3=cm3, **(facts | changes))


def doubts(*organs: OrganFacts) -> dict[str, str]:
    """Messages by code; volumes, which most tests leave at 0, only where a test gives them."""
    given = any(found.volume_cm3 for found in organs)
    return {
        problem.code: problem.message
        for problem in implausible(organs)
        if given or problem.code != "implausible_volume"
    }


def test_facts_counted_by_hand() -> None:
    labels = np.zeros(GEOMETRY.shape, dtype=np.uint8)
    labels[2:4, 3:5, 4:8] = 2
    labels[7, 9, 11] = 2
    hu = np.zeros(GEOMETRY.shape, dtype=np.int16)
    hu[labels == 2] = 30
    window = (slice(0, 8), slice(0, 10), slice(5, 11))
    (facts,) = organ_facts(labels, GEOMETRY, {2: "eye_left"}, hu, window)
    assert (facts.id, facts.name, facts.voxels, facts.pieces) == (2, "eye_left", 17, 2)
    assert facts.volume_cm3 == pytest.approx(17 * 6 / 1000)
    # 16 voxels around (5.5, 3.5, 2.5) and one at (11, 9, 7), as x, y, z
    index = (16 * np.array([5.5, 3.5, 2.5]) + np.array([11, 9, 7])) / 17
    np.testing.assert_allclose(facts.center_mm, index * (1, 2, 3) + (-5, 7, 100))
    # 2 x 2 voxels at x = 4 and the single one at x = 11
    assert facts.outside_window == 5
    assert facts.outside_largest == 1
    # along y from voxel 4 to 9: four empty rows of 2 mm; along z from 3 to 7: three slices of 3 mm
    assert facts.stray_mm == 9.0
    assert facts.median_hu == 30.0


def test_a_window_beside_the_organ_leaves_all_of_it_out() -> None:
    labels = np.zeros(GEOMETRY.shape, dtype=np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    for window in ((slice(4, 8),) * 3, (slice(0, 1),) * 3):
        (facts,) = organ_facts(labels, GEOMETRY, {1: "eye_left"}, None, window)
        assert facts.outside_window == 8
        assert facts.median_hu is None


def test_voxels_that_touch_at_a_corner_are_one_piece() -> None:
    labels = np.zeros(GEOMETRY.shape, dtype=np.uint8)
    labels[1, 1, 1] = labels[2, 2, 2] = 1
    assert organ_facts(labels, GEOMETRY, {1: "eye_left"}, None, None)[0].pieces == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eye_left", ("eye", "L")),
        ("OpticNrv_R", ("optic_nerve", "R")),
        ("brain_stem", ("brain_stem", "-")),
        ("Glnd_Submand_L", ("Glnd_Submand", "L")),
        ("hippocampus_right", ("hippocampus", "R")),
        ("left_lung", ("left_lung", "-")),
    ],
)
def test_sides_by_name(name, expected) -> None:
    assert side_of(name) == expected


def test_swapped_pairs_one_by_one() -> None:
    eyes = organ("eye_left", (30, 0, 0)), organ("eye_right", (-30, 0, 0))
    lenses = organ("lens_left", (-30, 0, 0)), organ("lens_right", (30, 0, 0))
    assert doubts(*eyes) == {}
    assert doubts(*eyes, *lenses) == {
        "sides_swapped": "Left and right are swapped: lens_left and lens_right."
    }


def test_an_organ_without_its_partner() -> None:
    stem = organ("brain_stem", (5, 0, 0))
    assert doubts(stem, organ("middle_ear_left", (-4, 0, 0))) == {}
    assert "20 mm beyond the middle" in doubts(stem, organ("middle_ear_left", (-15, 0, 0)))["side_doubtful"]
    assert "20 mm beyond the middle" in doubts(stem, organ("middle_ear_right", (25, 0, 0)))["side_doubtful"]
    # nothing says where the middle is
    assert doubts(organ("middle_ear_left", (-50, 0, 0))) == {}


def test_order_up_and_down_front_and_back() -> None:
    eye, jaw = organ("eye_left", (30, -80, 20)), organ("mandible_left", (30, -70, -50))
    assert doubts(eye, jaw, organ("brain_stem")) == {}
    upside_down = organ("eye_left", (30, -80, -60))
    assert "eye below mandible" in doubts(upside_down, jaw)["implausible_order"]
    backwards = organ("eye_left", (30, 80, 20))
    assert "eye behind brain_stem" in doubts(backwards, organ("brain_stem"))["implausible_order"]


@pytest.mark.parametrize(("cm3", "doubted"), [(1.7, True), (1.9, False), (33.0, False), (34.0, True)])
def test_volumes(cm3, doubted) -> None:
    """Eyes of 5.4 to 11.2 cm3 were measured; three times smaller or larger is worth a look."""
    assert ("implausible_volume" in doubts(organ("Eye_L", cm3=cm3))) == doubted


def test_densities() -> None:
    assert doubts(organ("eye_left", median_hu=15.0), organ("inner_ear_left", median_hu=800.0)) == {}
    found = doubts(organ("eye_left", median_hu=-900.0), organ("inner_ear_left", median_hu=30.0))
    assert "eye_left -900 HU (-150 to 200 expected)" in found["unlikely_density"]
    assert "inner_ear_left 30 HU" in found["unlikely_density"]
    assert doubts(organ("middle_ear_left", median_hu=-900.0)) == {}


def test_pieces_of_known_organs_only() -> None:
    split = {"pieces": 3, "outside_largest": 7, "stray_mm": 12.4}
    assert doubts(organ("lymph_nodes", **split)) == {}
    assert doubts(organ("lens_left", **split)) == {
        "several_pieces": (
            "Organs in several pieces: lens_left 3 (7 of 100 voxels outside the largest, up to 12 mm away)."
        )
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_label_values_of_any_type(dtype) -> None:
    stored = np.array([[[0, 1, 2], [2, 9, 9]]], dtype=dtype)
    labels, problems = organ_labels(stored, {1: "a", 2: "b"}, "label.nii.gz")
    assert labels.tolist() == [[[0, 1, 2], [2, 0, 0]]]
    assert [problem.message for problem in problems] == [
        "label.nii.gz holds 9 (2 voxels); the organ table lists 1 to 2."
    ]


def test_label_values_that_are_no_numbers() -> None:
    stored = np.array([[[np.nan, np.inf, -np.inf, 1.0]]], dtype=np.float32)
    labels, problems = organ_labels(stored, {1: "a"}, "label.nii.gz")
    assert labels.tolist() == [[[0, 0, 0, 1]]]
    assert [problem.code for problem in problems] == ["non_integer_labels"]
    assert "3 voxels" in problems[0].message


def test_an_image_taken_for_labels_is_told_in_one_line() -> None:
    stored = np.arange(-500, 500, dtype=np.int16).reshape(1, 10, 100)
    _, problems = organ_labels(stored, {1: "a"}, "label.nii.gz")
    assert problems[0].message.endswith("-496 (1 voxel) and 993 more values; the organ table lists 1.")


def test_labels_through_a_scale_factor_keep_their_organs() -> None:
    stored = np.array([[[0.0, 1.0001, 1.9999, 1.5]]], dtype=np.float32)
    labels, problems = organ_labels(stored, {1: "a", 2: "b"}, "label.nii.gz")
    assert labels.tolist() == [[[0, 1, 2, 0]]]
    assert [problem.code for problem in problems] == ["non_integer_labels"]
