"""``hnseg evaluate --out`` on folders: what it writes, that it repeats itself, and how it refuses."""

import csv

import numpy as np
import pytest
from PIL import Image
from run_evaluate import GRID, evaluate

from hnseg_infer.errors import HNSegError, InputError
from hnseg_infer.formats import write
from hnseg_infer.volume import Geometry, Volume

FILES = {
    "cases.csv",
    "organs.csv",
    "evaluation.md",
    "box_dsc.png",
    "box_hd95_mm.png",
    "box_nsd_1mm.png",
    "box_volume_error_cm3.png",
    "box_volume_error_percent.png",
}


def cube(shift=0, value=1):
    array = np.zeros(GRID.shape, np.uint8)
    array[2:10, 5:15, 5 + shift : 15 + shift] = value
    return Volume(array, GRID)


@pytest.fixture
def folders(tmp_path):
    """Case a is exact, b one voxel off, c missed; references and CTs lie as in StructSeg 2019."""
    predictions, references = tmp_path / "predictions", tmp_path / "references"
    predictions.mkdir()
    empty = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    for name, prediction in (("a", cube()), ("b", cube(1)), ("c", empty)):
        (references / name).mkdir(parents=True)
        write(prediction, predictions / f"{name}.mha")
        write(cube(), references / name / "label.nii.gz")
        write(Volume(np.full(GRID.shape, 40, np.int16), GRID), references / name / "data.nii.gz")
    return predictions, references


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_files(folders, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    evaluate(*folders, "--out", out)
    assert {path.name for path in out.iterdir()} == FILES
    assert "evaluation.md" in capsys.readouterr().out
    for path in out.glob("*.png"):
        assert Image.open(path).size[0] == 800


def test_scores_per_case(folders, tmp_path):
    evaluate(*folders, "--out", tmp_path / "out")
    stems = [row for row in rows(tmp_path / "out" / "cases.csv") if row["organ"] == "brain_stem"]
    assert [row["case"] for row in stems] == ["a", "b", "c"]
    assert [row["dsc"] for row in stems] == ["1.000000", "0.900000", "0.000000"]
    assert [row["hd95_mm"] for row in stems] == ["0.000000", "1.000000", ""]
    assert [row["nsd_1mm"] for row in stems] == ["1.000000", "1.000000", "0.000000"]
    # 8 x 10 x 10 voxels of 3 mm3
    assert [row["volume_error_cm3"] for row in stems] == ["0.000000", "0.000000", "-2.400000"]
    assert [row["volume_error_percent"] for row in stems] == ["0.000000", "0.000000", "-100.000000"]


def test_summary(folders, tmp_path):
    evaluate(*folders, "--out", tmp_path / "out")
    stem, *others, mean, weighted = rows(tmp_path / "out" / "organs.csv")
    assert (stem["organ"], stem["weight"], stem["missed"]) == ("brain_stem", "100", "1")
    assert float(stem["dsc_mean"]) == pytest.approx(1.9 / 3, abs=1e-6)
    assert float(stem["dsc_sd"]) == pytest.approx(np.std([1.0, 0.9, 0.0], ddof=1), abs=1e-6)
    assert (stem["hd95_mm_mean"], stem["hd95_mm_cases"]) == ("0.500000", "2")
    assert len(others) == 21
    assert {row["not_in_reference"] for row in others} == {"3"}
    assert mean["dsc_mean"] == weighted["dsc_mean"] == stem["dsc_mean"]
    page = (tmp_path / "out" / "evaluation.md").read_text()
    assert "| brain_stem | 3 | 0.633 +- 0.551 | 0.50 +- 0.71 | 0.667 +- 0.577 |" in page
    assert "1. case c: DSC 0.000, missed\n2. case b: DSC 0.900, HD95 1.00 mm\n" in page
    assert "NSD: surface DSC" in page
    assert "worst/" not in page
    assert str(tmp_path) not in page


def test_pictures_of_the_worst_cases(folders, tmp_path):
    evaluate(*folders, "--out", tmp_path / "out", "--ct", folders[1])
    names = ["001_brain_stem_1_c.png", "001_brain_stem_2_b.png", "001_brain_stem_3_a.png"]
    assert sorted(path.name for path in (tmp_path / "out" / "worst").iterdir()) == names
    page = (tmp_path / "out" / "evaluation.md").read_text()
    assert [f"(worst/{name})" in page for name in names] == [True] * 3


def test_same_input_same_bytes(folders, tmp_path):
    for name in ("one", "two"):
        evaluate(*folders, "--out", tmp_path / name, "--ct", folders[1])
    written = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(written) == len(FILES) + 3
    for path in written:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_one_pair_of_files(folders, tmp_path):
    pair = folders[0] / "b.mha", folders[1] / "b" / "label.nii.gz"
    evaluate(*pair, "--out", tmp_path / "out", "--ct", folders[1] / "b" / "data.nii.gz")
    assert (tmp_path / "out" / "worst" / "001_brain_stem_1_b.png").is_file()


def test_folders_are_printed_without_out(folders, tmp_path, capsys):
    evaluate(*folders)
    assert "| brain_stem | 3 | 0.633 +- 0.551 |" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predictions", "references"]


def refused(tmp_path, *arguments):
    """The refusal; nothing may have been written."""
    with pytest.raises(InputError) as caught:
        evaluate(*arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    return str(caught.value)


def test_other_cases_are_named(folders, tmp_path):
    (folders[0] / "c.mha").rename(folders[0] / "d.mha")
    said = refused(tmp_path, *folders)
    assert "predictions lacks c and " in said
    assert "references lacks d;" in said


def test_other_grid_is_named(folders, tmp_path):
    other = Geometry(GRID.shape, (1.0, 1.0, 2.0), GRID.origin, GRID.direction)
    write(Volume(cube().array, other), folders[0] / "b.mha")
    said = refused(tmp_path, *folders)
    assert "label.nii.gz" in said
    assert "b.mha" in said
    assert "mm apart" in said


def test_ct_on_another_grid_is_named(folders, tmp_path):
    other = Geometry(GRID.shape, (1.0, 1.0, 2.0), GRID.origin, GRID.direction)
    write(Volume(np.zeros(GRID.shape, np.int16), other), folders[1] / "b" / "data.nii.gz")
    assert "data.nii.gz" in refused(tmp_path, *folders, "--ct", folders[1])


@pytest.mark.parametrize("which", [0, 1])
def test_labels_outside_the_table_are_named(folders, tmp_path, which):
    path = (folders[0] / "b.mha", folders[1] / "b" / "label.nii.gz")[which]
    array = cube().array
    array[0, 0, :2] = 23, 99
    write(Volume(array, GRID), path)
    said = refused(tmp_path, *folders)
    assert f"{path} holds label 23, 99" in said
    assert "accepted are 1-22 and 0" in said


def test_missing_ct_is_named(folders, tmp_path):
    (folders[1] / "b" / "data.nii.gz").unlink()
    cts = tmp_path / "cts"
    cts.mkdir()
    write(Volume(np.zeros(GRID.shape, np.int16), GRID), cts / "a.nii.gz")
    assert "cts lacks the CT of b, c;" in refused(tmp_path, *folders, "--ct", cts)


def test_pictures_need_out(folders):
    with pytest.raises(InputError, match="--out DIR"):
        evaluate(*folders, "--ct", folders[1])


def test_out_is_a_file(folders, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(HNSegError, match="is a file"):
        evaluate(*folders, "--out", tmp_path / "out")
