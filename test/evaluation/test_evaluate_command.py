"""The subcommand on files: what it prints, and how it refuses."""

import json
import shutil

import numpy as np
import pytest
from run_evaluate import GRID, evaluate

from hnseg_infer.errors import InputError
from hnseg_infer.formats import stem, write
from hnseg_infer.volume import Geometry, Volume


@pytest.fixture
def masks(tmp_path):
    """A prediction one voxel to the left of its reference; only the reference holds label 20."""
    reference, prediction = np.zeros((2, *GRID.shape), np.uint8)
    reference[2:10, 5:15, 5:15] = 1
    reference[0, 0, 0] = 20
    prediction[2:10, 5:15, 6:16] = 1
    paths = tmp_path / "pred.mha", tmp_path / "ref.nii.gz"
    for array, path in zip((prediction, reference), paths, strict=True):
        write(Volume(array, GRID), path)
    return paths


def test_prints_every_organ(masks, capsys):
    evaluate(*masks)
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line}
    # A shift by one voxel of 1 mm: every surface element has one of the other mask 1 mm away.
    assert lines["brain_stem"] == ["0.900", "1.00", "1.000", "+0.0"]
    assert lines["spinal_cord"] == ["0.000", "-", "0.000", "-100.0", "missed"]
    assert lines["eye_left"] == ["-", "-", "-", "-", "absent", "from", "the", "reference"]
    # 20 of the 22 organs are absent; both others weigh 100.
    assert lines["mean"] == lines["StructSeg-weighted"][1:] == ["0.450", "1.00", "0.500"]
    assert lines["organs"][:2] == ["missed:", "1;"]


def test_names_of_another_label_set(masks, tmp_path, capsys):
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"organs": [{"id": 1, "name": "larynx"}]}))
    evaluate(*masks, "--organs", names)
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line}
    assert lines["larynx"] == lines["mean"] + ["+0.0"] == ["0.900", "1.00", "1.000", "+0.0"]
    assert "brain_stem" not in printed
    # 20 may be anything in such a table
    assert "Not offered by the bundle that made the masks, and left out: label_20.\n" in printed


def write_report(mask, organs):
    content = {"software": "hnseg 1", "mask": mask.name}
    listed = [{"id": value, "name": name} for value, name in organs.items()]
    mask.with_name(f"{stem(mask)}.json").write_text(json.dumps({**content, "organs": listed}))


def test_only_organs_that_the_masks_bundle_has_count(masks, capsys):
    write_report(masks[0], {1: "brain_stem", 12: "parotid_left"})
    evaluate(*masks)
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line}
    assert lines["mean"][0] == "0.900"
    assert "parotid_left" in lines
    assert "eye_left" not in lines
    assert lines["organs"][:2] == ["missed:", "0;"]
    assert "Not offered by the bundle that made the masks, and left out: spinal_cord.\n" in printed


def test_what_a_mask_holds_counts_whatever_its_report_says(masks, capsys):
    write_report(masks[0], {20: "spinal_cord"})
    evaluate(*masks)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["label_1", "0.900", "1.00", "1.000", "+0.0"] in lines
    assert ["spinal_cord", "0.000", "-", "0.000", "-100.0", "missed"] in lines


def test_folders_leave_out_what_was_not_offered(masks, tmp_path, capsys):
    folders = tmp_path / "predictions", tmp_path / "references"
    for mask, folder in zip(masks, folders, strict=True):
        folder.mkdir()
        for case in "ab":
            shutil.copy(mask, folder / mask.name.replace(stem(mask), case))
    for case in "ab":
        write_report(folders[0] / f"{case}.mha", {1: "brain_stem"})
    said = "Not offered by the bundle that made the masks, and left out: spinal_cord."
    evaluate(*folders)
    page = capsys.readouterr().out.splitlines()
    assert f"- {said}" in page
    (stem_line,) = [line for line in page if line.startswith("| brain_stem")]
    assert stem_line.split(" | ")[1:3] == ["2", "0.900 +- 0.000"]
    assert not [line for line in page if line.startswith(("| spinal_cord", "| eye_left"))]
    # a reference may hold what the kept table does not name, if it is not scored
    evaluate(*folders, "--out", tmp_path / "out")
    assert capsys.readouterr().out.splitlines()[0] == said
    assert f"- {said}" in (tmp_path / "out" / "evaluation.md").read_text().splitlines()
    assert "spinal_cord" not in (tmp_path / "out" / "organs.csv").read_text()


def test_other_grid_is_named(masks, tmp_path):
    other = tmp_path / "other.mha"
    write(Volume(np.zeros((11, 20, 20), np.uint8), Geometry((11, 20, 20), *masks_grid())), other)
    with pytest.raises(InputError, match=r"other\.mha has 20 x 20 x 11 voxels .*pred\.mha has 20 x 20 x 12"):
        evaluate(masks[0], other)


def masks_grid():
    return GRID.spacing, GRID.origin, GRID.direction
