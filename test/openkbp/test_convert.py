"""OpenKBP's files to cases: values, sides, what was contoured, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.cli import main
from hnseg_infer.errors import InputError
from hnseg_infer.formats import read_labels, write
from hnseg_infer.volume import Geometry, Volume
from hnseg_train.openkbp.convert import structseg_labels

SHAPE = (16, 32, 40)
GEOMETRY = Geometry(SHAPE, (8.0, 8.0, 5.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def contours() -> np.ndarray:
    """All five of OpenKBP's organs; x grows towards the patient's left."""
    values = np.zeros(SHAPE, np.uint8)
    values[10:14, 18:22, 18:22] = 1
    values[2:10, 19:21, 19:21] = 2
    values[6:10, 14:20, 30:34] = 3
    values[6:10, 14:20, 6:10] = 4
    values[3:6, 4:6, 12:28] = 5
    values[3:6, 6:14, 12:14] = values[3:6, 6:14, 26:28] = 5
    return values


def test_every_organ_gets_its_structseg_value() -> None:
    values = contours()
    labels, contoured = structseg_labels(Volume(values, GEOMETRY), "pt_1")
    for given, wanted in ((1, 1), (2, 20), (3, 12), (4, 13)):
        np.testing.assert_array_equal(labels.array == wanted, values == given)
    expected = np.zeros(SHAPE, np.uint8)
    expected[..., 20:][values[..., 20:] == 5] = 21
    expected[..., :20][values[..., :20] == 5] = 22
    np.testing.assert_array_equal(np.where(labels.array > 20, labels.array, 0), expected)
    assert set(contoured) == {
        "brain_stem",
        "parotid_left",
        "parotid_right",
        "spinal_cord",
        "mandible_left",
        "mandible_right",
    }
    assert labels.geometry == GEOMETRY


def test_sides_follow_the_header_not_the_array() -> None:
    flipped = Geometry(SHAPE, (8.0, 8.0, 5.0), (312.0, 0.0, 0.0), (-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    plain, _ = structseg_labels(Volume(contours(), GEOMETRY), "pt_1")
    found, _ = structseg_labels(Volume(np.ascontiguousarray(contours()[..., ::-1]), flipped), "pt_1")
    np.testing.assert_array_equal(found.array[..., ::-1], plain.array)


def test_what_is_absent_was_not_contoured() -> None:
    values = contours()
    values[(values == 1) | (values == 5)] = 0
    _, contoured = structseg_labels(Volume(values, GEOMETRY), "pt_1")
    assert contoured == ("parotid_left", "parotid_right", "spinal_cord")


def test_impossible_volumes_were_not_contoured() -> None:
    values = contours()
    values[2:15, 22:32, 14:26] = 2
    assert "spinal_cord" not in structseg_labels(Volume(values, GEOMETRY), "pt_1")[1]
    values = contours()
    values[values == 1] = 0
    values[12, 18:20, 18:20] = 1
    labels, contoured = structseg_labels(Volume(values, GEOMETRY), "pt_1")
    assert "brain_stem" not in contoured
    assert not (labels.array == 1).any()
    # what the CT cuts off may be small
    values[15, 18:20, 18:20] = 1
    assert "brain_stem" in structseg_labels(Volume(values, GEOMETRY), "pt_1")[1]


@pytest.mark.parametrize("gone", [(), (3,), (4,)])
def test_parotids_on_the_wrong_side_are_refused(gone: tuple[int, ...]) -> None:
    values = np.ascontiguousarray(contours()[..., ::-1])
    values[np.isin(values, gone)] = 0
    with pytest.raises(InputError, match="pt_1 lie on the wrong sides"):
        structseg_labels(Volume(values, GEOMETRY), "pt_1")


def test_unknown_values_and_empty_files_are_refused() -> None:
    values = contours()
    values[0, 0, 0] = 7
    with pytest.raises(InputError, match="value 7"):
        structseg_labels(Volume(values, GEOMETRY), "pt_1")
    with pytest.raises(InputError, match="no organ"):
        structseg_labels(Volume(np.zeros(SHAPE, np.uint8), GEOMETRY), "pt_1")


def test_the_command_writes_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, out = tmp_path / "openkbp", tmp_path / "cases"
    given.mkdir()
    values = contours()
    for name in ("pt_1", "pt_2"):
        write(Volume(np.full(SHAPE, -1000, np.int16), GEOMETRY), given / f"{name}_ct.nii.gz")
        write(Volume(values, GEOMETRY), given / f"{name}_lab.nii.gz")
        values[values == 5] = 0
    assert main(["openkbp", str(given), "--out", str(out)]) == 0
    assert sorted(path.name for path in (out / "pt_2").iterdir()) == [
        "contoured.json",
        "data.nii.gz",
        "label.nii.gz",
    ]
    assert "mandible_left" not in json.loads((out / "pt_2" / "contoured.json").read_text())["organs"]
    assert set(np.unique(read_labels(out / "pt_1" / "label.nii.gz").array)) == {0, 1, 12, 13, 20, 21, 22}
    said = capsys.readouterr().out
    assert "Wrote 2 patients" in said
    assert "mandible_left 1" in said
    assert "brain_stem 2" in said


def test_the_command_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openkbp", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "No patient was found" in capsys.readouterr().err
    (tmp_path / "pt_1_ct.nii.gz").touch()
    assert main(["openkbp", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "pt_1_lab.nii.gz does not exist" in capsys.readouterr().err


def test_a_patient_that_cannot_be_used_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, values in (("pt_1", contours()), ("pt_2", np.zeros(SHAPE, np.uint8))):
        write(Volume(np.full(SHAPE, -1000, np.int16), GEOMETRY), tmp_path / f"{name}_ct.nii.gz")
        write(Volume(values, GEOMETRY), tmp_path / f"{name}_lab.nii.gz")
    assert main(["openkbp", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["pt_1"]
    assert "Left out: The labels of pt_2_lab.nii.gz hold no organ." in capsys.readouterr().out


def test_patients_are_kept_aside_by_a_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "openkbp"
    given.mkdir()
    for index in range(6):
        write(Volume(np.full(SHAPE, -1000, np.int16), GEOMETRY), given / f"pt_{index}_ct.nii.gz")
        write(Volume(contours(), GEOMETRY), given / f"pt_{index}_lab.nii.gz")
    chosen = []
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        train, test = tmp_path / out / "train", tmp_path / out / "test"
        options = ["--out", str(train), "--test", str(test), "--test-cases", "2", "--seed", str(seed)]
        assert main(["openkbp", str(given), *options]) == 0
        chosen.append({path.name for path in test.iterdir()})
        assert len(chosen[-1]) == 2
        assert {path.name for path in train.iterdir()} == {f"pt_{i}" for i in range(6)} - chosen[-1]
    assert chosen[0] == chosen[1] != chosen[2]
    assert "Wrote 4 patients" in capsys.readouterr().out
    every = ["--out", str(tmp_path / "d"), "--test", str(tmp_path / "e"), "--test-cases", "6"]
    assert main(["openkbp", str(given), *every]) == 1
    assert "6 of 6 patients cannot be kept aside" in capsys.readouterr().err
