"""What the data check says of one case: all of its faults, whatever its axes and values."""

from dataclasses import replace

import numpy as np
import pytest
from checked_cohort import Pair, check_one, errors_by_case, problems_of, relabelled, write_case
from labelled_head import SHAPE, SPACING_XYZ, labelled_head

from hnseg_infer.volume import Volume
from hnseg_train.cohort_check import check_cohort


@pytest.fixture(scope="module")
def patient() -> Pair:
    return labelled_head()


def test_all_faults_of_one_case_are_named(patient, tmp_path) -> None:
    ct, labels = patient
    array = np.where(np.isin(labels.array, (2, 3)), 5 - labels.array, labels.array)
    array[0, 0, :5] = 200
    rescaled = Volume((ct.array - ct.array.min()) / np.float32(4000), ct.geometry)
    found = check_one(tmp_path, rescaled, relabelled(labels, array))
    assert set(found) == {"not_a_ct", "unknown_labels", "sides_swapped"}


def test_labels_without_a_ct_are_still_checked(patient, tmp_path) -> None:
    found = check_one(tmp_path, None, relabelled(patient[1], patient[1].array[:, :, ::-1]))
    assert set(found) == {"missing_ct", "sides_swapped"}
    assert "the folder holds label.nii.gz" in found["missing_ct"]
    assert "in all 9 pairs" in found["sides_swapped"]


def test_a_link_to_nowhere_is_named(patient, tmp_path) -> None:
    write_case(tmp_path / "a", patient[0], None)
    (tmp_path / "a" / "label.nii.gz").symlink_to("gone.nii.gz")
    found = problems_of(check_cohort(tmp_path), "a")
    assert found == {"missing_label": "label.nii.gz is a link to a file that is not there."}


def turned(volume: Volume, direction: tuple[float, ...]) -> Volume:
    return Volume(volume.array, replace(volume.geometry, direction=direction))


@pytest.mark.parametrize(
    ("direction", "codes"),
    [
        ((-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0), {"sides_swapped", "implausible_order"}),
        ((1.0, 0, 0, 0, -1.0, 0, 0, 0, -1.0), {"implausible_order"}),
        ((-1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0), {"sides_swapped", "implausible_order"}),
    ],
)
def test_headers_that_turn_the_patient_round(patient, tmp_path, direction, codes) -> None:
    write_case(tmp_path / "1", *(turned(volume, direction) for volume in patient))
    assert errors_by_case(check_cohort(tmp_path)) == {"1": codes}


def test_another_order_of_the_axes_changes_nothing(patient, tmp_path) -> None:
    """The same patient stored towards right and front: clean, and known to be the same."""
    write_case(tmp_path / "1", *patient)
    steps = (np.array(SHAPE[::-1]) - 1) * SPACING_XYZ * (1, 1, 0)
    geometry = replace(
        patient[0].geometry,
        origin=tuple(np.array(patient[0].geometry.origin) + steps),
        direction=(-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0),
    )
    write_case(tmp_path / "2", *(Volume(volume.array[:, ::-1, ::-1], geometry) for volume in patient))
    report = check_cohort(tmp_path)
    assert errors_by_case(report) == {"2": {"duplicate_ct", "duplicate_labels"}}
    first, second = report.cases
    assert [organ.voxels for organ in first.organs] == [organ.voxels for organ in second.organs]
    np.testing.assert_allclose(first.organs[1].center_mm, second.organs[1].center_mm, atol=1e-3)


def test_values_that_are_no_labels(patient, tmp_path) -> None:
    ct, labels = patient
    array = labels.array.astype(np.float32)
    array[0, 0, :3] = 3.5
    array[1, 0, :2] = 300
    array[2, 0, :4] = -1
    found = check_one(tmp_path, ct, Volume(array, labels.geometry))
    assert set(found) == {"non_integer_labels", "unknown_labels"}
    assert "3 voxels" in found["non_integer_labels"]
    assert "3.5" in found["non_integer_labels"]
    assert "-1 (4 voxels), 300 (2 voxels)" in found["unknown_labels"]


def test_a_label_file_on_fewer_slices(patient, tmp_path) -> None:
    ct, labels = patient
    shorter = Volume(labels.array[1:], replace(labels.geometry, shape=labels.array[1:].shape))
    assert set(check_one(tmp_path, ct, shorter)) == {"geometry_mismatch"}


def test_small_organs_beyond_the_box(patient, tmp_path) -> None:
    # chiasm: 4.5 mm half axis, so 3 slices of 4 mm around 19 mm at most; pituitary: 5 mm around 6 mm
    found = check_one(tmp_path, *patient, roi_size_zyx=(4, 64, 64))
    planes, rows, columns = np.nonzero(np.isin(patient[1].array, (8, 11)))
    assert (
        f"span {np.ptp(columns) + 1} x {np.ptp(rows) + 1} x {np.ptp(planes) + 1} voxels"
        in (found["larger_than_roi"])
    )
    assert "64 x 64 x 4" in found["larger_than_roi"]
