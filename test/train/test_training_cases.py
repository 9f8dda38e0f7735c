"""Cases on disk, and what is trained on of them: spacing, variants, contours."""

from dataclasses import replace

import numpy as np
import pytest

from hnseg_infer.errors import InputError
from hnseg_infer.formats import write
from hnseg_infer.volume import Volume
from hnseg_train.cases import Source, at_spacing, find_cases, read_case, source_cases, training_versions
from hnseg_train.recipes import STRUCTSEG


@pytest.fixture
def labelled(head_ct):
    """The small head with both eyes in it."""
    labels = np.zeros(head_ct.array.shape, dtype=np.uint8)
    labels[18:22, 20:30, 40:50] = 2
    labels[18:22, 20:30, 14:24] = 3
    return head_ct, Volume(labels, head_ct.geometry)


def write_case(folder, volumes, name="7"):
    (folder / name).mkdir(parents=True)
    for volume, file in zip(volumes, ("data.nii.gz", "label.nii.gz"), strict=True):
        write(volume, folder / name / file)


def test_a_case_without_labels_is_named(labelled, tmp_path) -> None:
    write_case(tmp_path, labelled, "patient_a")
    (tmp_path / "patient_a" / "label.nii.gz").unlink()
    with pytest.raises(InputError, match="patient_a"):
        find_cases(tmp_path)


def test_an_empty_folder_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="No case"):
        find_cases(tmp_path)


def test_unlike_shapes_are_refused(labelled, tmp_path) -> None:
    labels = labelled[1]
    write_case(tmp_path / "data", labelled)
    shorter = replace(labels.geometry, shape=(39, 72, 64))
    write(Volume(labels.array[:39], shorter), tmp_path / "data" / "7" / "label.nii.gz")
    with pytest.raises(InputError, match="Case 7"):
        read_case(find_cases(tmp_path / "data")[0])


def test_a_source_names_its_cases_and_what_was_contoured(labelled, tmp_path) -> None:
    write_case(tmp_path, labelled)
    (case,) = source_cases(Source("atlas", tmp_path, contoured=("eye_left", "eye_right")))
    assert case.name == "atlas_7"
    assert len(case.uncontoured(STRUCTSEG)) == 20
    assert "eye_left" not in case.uncontoured(STRUCTSEG)
    (tmp_path / "7" / "contoured.json").write_text('{"organs": ["lens_left"]}')
    assert "eye_left" in case.uncontoured(STRUCTSEG)


def test_another_spacing_keeps_places_and_volumes(labelled) -> None:
    ct, labels = labelled
    z, y, x = ct.geometry.spacing_zyx
    fine, fine_labels = at_spacing(ct, labels.array, (z / 2, y / 2, x / 2))
    assert fine.array.shape == tuple(2 * size for size in ct.array.shape)
    # each voxel became eight: their common corner is the old centre
    np.testing.assert_allclose(fine.geometry.position((0.5, 0.5, 0.5)), ct.geometry.position((0, 0, 0)))
    for value in (2, 3):
        old, new = labels.array == value, fine_labels == value
        assert new.sum() / 8 == pytest.approx(old.sum(), rel=0.1)
        middle = np.argwhere(new).mean(axis=0) / 2 - 0.25
        np.testing.assert_allclose(middle, np.argwhere(old).mean(axis=0), atol=0.1)


def test_variants_follow_from_the_name(labelled, tmp_path) -> None:
    write_case(tmp_path, labelled)
    (case,) = source_cases(Source("", tmp_path, variants=2))
    first, second = list(training_versions(case, STRUCTSEG)), list(training_versions(case, STRUCTSEG))
    assert [name for name, _, _ in first] == ["7", "7_v0", "7_v1"]
    np.testing.assert_array_equal(first[0][1].array, read_case(case)[0].array)
    for (_, ct, labels), (_, again, labels_again) in zip(first, second, strict=True):
        np.testing.assert_array_equal(ct.array, again.array)
        np.testing.assert_array_equal(labels, labels_again)
    assert not np.array_equal(first[1][1].array, first[2][1].array)


def test_a_case_with_one_side_contoured_is_not_mirrored(labelled, tmp_path) -> None:
    ct, labels = labelled
    one = np.where(labels.array == 2, labels.array, 0).astype(np.uint8)
    write_case(tmp_path, (ct, Volume(one, labels.geometry)))
    source = Source("", tmp_path, variants=8)
    versions = training_versions(source_cases(replace(source, contoured=("eye_left",)))[0], STRUCTSEG)
    assert {int(found.max()) for _, _, found in versions} == {2}
    # where both sides were looked for, some are
    versions = training_versions(source_cases(source)[0], STRUCTSEG)
    assert {int(found.max()) for _, _, found in versions} == {2, 3}
