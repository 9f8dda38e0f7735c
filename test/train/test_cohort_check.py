"""A labelled cohort with planted faults: every one is named, with its case, in one report."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from checked_cohort import IDS, Pair, check_one, errors_by_case, moved, problems_of, relabelled, write_case
from labelled_head import SHAPE, SPACING_XYZ, labelled_head

from hnseg_infer.errors import HNSegError, InputError
from hnseg_infer.formats import write
from hnseg_infer.organ_names import STRUCTSEG_NAMES
from hnseg_infer.volume import Volume
from hnseg_train.cohort_check import CohortReport, check_cohort, summary, write_report


@pytest.fixture(scope="module")
def patient() -> Pair:
    return labelled_head()


@pytest.fixture(scope="module")
def planted(patient, tmp_path_factory) -> CohortReport:
    """Cases 1 and 2 are clean, each of 3 to 10 has one fault."""
    folder = tmp_path_factory.mktemp("planted")
    pairs = {case: moved(patient, case) for case in range(1, 10)}
    arrays = {case: labels.array.copy() for case, (_, labels) in pairs.items()}
    arrays[3][30, 40:44, 50:56] = 23
    arrays[6] = np.where(np.isin(arrays[6], (2, 3)), 5 - arrays[6], arrays[6])
    arrays[7][:] = 0
    # 24 voxels by the left border; the crop window is the middle half of the image
    arrays[8][20:22, 140:143, 280:284] = IDS["parotid_left"]
    for case, (ct, labels) in pairs.items():
        write_case(folder / str(case), ct, None if case == 4 else relabelled(labels, arrays[case]))
    ct, labels = pairs[5]
    x, y, z = labels.geometry.origin
    shifted = replace(labels.geometry, origin=(x, y, z + 8.0))
    write(Volume(labels.array, shifted), folder / "5" / "label.nii.gz")
    whole = (folder / "9" / "data.nii.gz").read_bytes()
    (folder / "9" / "data.nii.gz").write_bytes(whole[: len(whole) // 2])
    shutil.copytree(folder / "2", folder / "10")
    return check_cohort(folder)


def test_every_planted_fault_is_named_with_its_case(planted) -> None:
    assert errors_by_case(planted) == {
        "3": {"unknown_labels"},
        "4": {"missing_label"},
        "5": {"geometry_mismatch"},
        "6": {"sides_swapped"},
        "7": {"empty_label"},
        "9": {"unreadable_ct"},
        "10": {"duplicate_ct", "duplicate_labels"},
    }
    assert "23 (24 voxels)" in problems_of(planted, "3")["unknown_labels"]
    assert "1 to 22" in problems_of(planted, "3")["unknown_labels"]
    assert "8 mm" in problems_of(planted, "5")["geometry_mismatch"]
    assert problems_of(planted, "6")["sides_swapped"] == (
        "Left and right are swapped: eye_left and eye_right."
    )
    assert "case 2" in problems_of(planted, "10")["duplicate_ct"]
    assert "parotid_left 24 of" in problems_of(planted, "8")["outside_crop"]
    assert set(problems_of(planted, "8")) == {"outside_crop", "several_pieces"}
    assert problems_of(planted, "1") == problems_of(planted, "2") == problems_of(planted, None) == {}


def test_the_report_and_the_sentence_name_them_all(planted, tmp_path) -> None:
    write_report(planted, tmp_path / "new" / "folder")
    content = json.loads((tmp_path / "new" / "folder" / "data_check.json").read_text(encoding="utf-8"))
    page = (tmp_path / "new" / "folder" / "data_check.md").read_text(encoding="utf-8")
    assert content["errors"] == len(planted.errors) == 8
    assert [(found["case"], found["code"]) for found in content["problems"]] == [
        (case, problem.code) for case, problem in planted
    ]
    for case, problem in planted:
        section = page.split(f"### Case {case}\n")[1].split("\n### ")[0]
        assert f"- **{problem.severity}** `{problem.code}`: {problem.message}" in section
    sentence = summary(planted)
    assert sentence.startswith(
        f"The data check found 8 errors and 2 warnings in 10 cases of {planted.folder};"
    )
    assert "4: missing label; 5: geometry mismatch" in sentence
    assert content["summary"] == sentence
    assert sentence in page
    assert not list((tmp_path / "new" / "folder").glob(".*"))


def test_figures_of_the_cohort(planted, patient, tmp_path) -> None:
    write_report(planted, tmp_path)
    content = json.loads((tmp_path / "data_check.json").read_text(encoding="utf-8"))
    # case 9 has no readable CT; 4 and 7 have no organs; only case 8 has another parotid
    assert content["grids"]["size z"] == {"low": SHAPE[0], "median": SHAPE[0], "high": SHAPE[0]}
    assert content["grids"]["spacing x"]["low"] == pytest.approx(SPACING_XYZ[0])
    voxel = float(np.prod(SPACING_XYZ)) / 1000
    plain = int((patient[1].array == IDS["parotid_left"]).sum()) * voxel
    volumes = [plain] * 7 + [plain + 24 * voxel]
    parotid = content["organs"][IDS["parotid_left"] - 1]
    assert (parotid["name"], parotid["cases"]) == ("parotid_left", 8)
    assert parotid["mean_cm3"] == pytest.approx(np.mean(volumes), rel=1e-6)
    assert parotid["sd_cm3"] == pytest.approx(np.std(volumes, ddof=1), rel=1e-5)
    assert (parotid["cases_outside"], parotid["voxels_outside"]) == (1, 24)


def test_same_cohort_same_bytes(patient, tmp_path) -> None:
    write_case(tmp_path / "cohort" / "1", *patient)
    for folder in ("a", "b"):
        write_report(check_cohort(tmp_path / "cohort"), tmp_path / folder)
    for name in ("data_check.json", "data_check.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_clean_cohort_has_no_problem(patient, tmp_path) -> None:
    for case in (10, 2):
        write_case(tmp_path / str(case), *moved(patient, case))
    calls: list[tuple[int, int]] = []
    report = check_cohort(tmp_path, progress=lambda done, cases: calls.append((done, cases)))
    assert list(report) == []
    assert summary(report) == f"The data check found no error and 0 warnings in 2 cases of {tmp_path}."
    assert [case.name for case in report.cases] == ["2", "10"]
    assert calls == [(0, 2), (1, 2), (2, 2)]
    write_report(report, tmp_path / "out")
    assert "Problems" not in (tmp_path / "out" / "data_check.md").read_text(encoding="utf-8")


def test_organs_that_nobody_contoured_are_not_absent(patient, tmp_path) -> None:
    ct, labels = patient
    write_case(tmp_path / "1", ct, relabelled(labels, np.where(labels.array == 4, 0, labels.array)))
    write_case(tmp_path / "2", *moved(patient, 3))
    named = [name for name, value in IDS.items() if value != 4]
    (tmp_path / "1" / "contoured.json").write_text(json.dumps({"organs": named}))
    report = check_cohort(tmp_path)
    assert problems_of(report, "1") == {}
    assert [case.uncontoured for case in report.cases] == [("lens_left",), ()]
    # the labels hold what the file says was not contoured
    (tmp_path / "1" / "contoured.json").write_text(json.dumps({"organs": named[1:]}))
    assert "does not name brain_stem, which" in problems_of(check_cohort(tmp_path), "1")["contoured_file"]
    (tmp_path / "1" / "contoured.json").write_text("{}")
    assert "cannot be read" in problems_of(check_cohort(tmp_path), "1")["contoured_file"]


def test_organs_that_a_case_or_all_cases_lack(patient, tmp_path) -> None:
    ct, labels = patient
    without = relabelled(labels, np.where(np.isin(labels.array, (4, 8, 11, 22)), 0, labels.array))
    write_case(tmp_path / "1", ct, without)
    other, whole = moved(patient, 3)
    write_case(tmp_path / "2", other, relabelled(whole, np.where(whole.array == 22, 0, whole.array)))
    report = check_cohort(tmp_path)
    assert "lens_left, optic_chiasm, pituitary;" in problems_of(report, "1")["organs_absent"]
    assert "no_small_organs" in problems_of(report, "1")
    assert problems_of(report, "2") == {}
    assert "mandible_right" in problems_of(report, None)["organ_in_no_case"]
    assert report.errors == []


def test_an_organ_table_of_ones_own(patient, tmp_path) -> None:
    ct, labels = patient
    table = {7: "Brainstem", 40: "Eye_L", 50: "Eye_R"}
    array = np.select([labels.array == value for value in (1, 2, 3)], [7, 50, 40], 0)
    array[5, 5, 5:7] = 1
    found = check_one(tmp_path, ct, relabelled(labels, array), organs=table)
    assert found["sides_swapped"] == "Left and right are swapped: Eye_L and Eye_R."
    assert found["unknown_labels"] == "label.nii.gz holds 1 (2 voxels); the organ table lists 7, 40, 50."


def test_other_folders(patient, tmp_path) -> None:
    write_case(tmp_path / "1", *patient)
    (tmp_path / "notes").mkdir()
    write_case(tmp_path / ".2-draft", patient[0], None)
    report = check_cohort(tmp_path)
    assert [case.name for case in report.cases] == ["1"]
    assert "notes" in problems_of(report, None)["not_a_case"]


def test_a_folder_without_cases(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for name in ("nowhere", "file"):
        with pytest.raises(InputError, match=r"is not a folder; expected <case>/data\.nii\.gz"):
            check_cohort(tmp_path / name)
    with pytest.raises(InputError, match="No case was found in"):
        check_cohort(tmp_path / "empty")


def test_the_folder_above_the_cases(tmp_path) -> None:
    (tmp_path / "HaN_OAR" / "1").mkdir(parents=True)
    (tmp_path / "HaN_OAR" / "1" / "data.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"there are cases in .*HaN_OAR"):
        check_cohort(tmp_path)


@pytest.mark.parametrize("table", [{}, {0: "background"}, {256: "eye"}, {1: "eye", 2: "eye"}])
def test_impossible_organ_tables(tmp_path, table) -> None:
    with pytest.raises(InputError, match="organ table"):
        check_cohort(tmp_path, table)


def test_a_report_that_cannot_be_written(patient, tmp_path) -> None:
    write_case(tmp_path / "cohort" / "1", *patient)
    (tmp_path / "file").write_text("")
    with pytest.raises(HNSegError, match="cannot be written"):
        write_report(check_cohort(tmp_path / "cohort"), tmp_path / "file")


def test_real_cts_are_plausible_and_mirrored_labels_are_not(shared_data, tmp_path) -> None:
    from hnseg_infer.formats import read_labels

    name = "head_neck_shoulders"
    labels = read_labels(shared_data / "atlas" / f"{name}_label.nii.gz")
    renamed = np.arange(256, dtype=np.uint8)
    for value, organ in STRUCTSEG_NAMES.items():
        renamed[value] = IDS[
            organ.replace("_left", "_RIGHT").replace("_right", "_left").replace("_RIGHT", "_right")
        ]
    mirrored = Volume(renamed[labels.array[:, :, ::-1]], labels.geometry)
    for case, drawn in (("as_drawn", labels), ("mirrored", mirrored)):
        write_case(tmp_path / case, None, drawn)
        shutil.copy(shared_data / "ct" / f"{name}.nii.gz", tmp_path / case / "data.nii.gz")
    report = check_cohort(tmp_path)
    assert problems_of(report, "as_drawn") == {}
    assert set(problems_of(report, "mirrored")) == {"unlikely_density", "duplicate_ct"}
