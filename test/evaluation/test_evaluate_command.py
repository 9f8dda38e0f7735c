"""The subcommand on files: what it prints, and how it refuses."""

import json

import numpy as np
import pytest
from run_evaluate import GRID, evaluate

from hnseg_infer.errors import InputError
from hnseg_infer.formats import write
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
    names = tmp_path / "results.json"
    names.write_text(json.dumps({"organs": [{"id": 1, "name": "larynx"}]}))
    evaluate(*masks, "--organs", names)
    printed = capsys.readouterr().out
    assert "larynx" in printed
    assert "label_20" in printed
    assert "brain_stem" not in printed


def test_other_grid_is_named(masks, tmp_path):
    other = tmp_path / "other.mha"
    write(Volume(np.zeros((11, 20, 20), np.uint8), Geometry((11, 20, 20), *masks_grid())), other)
    with pytest.raises(InputError, match=r"other\.mha has 20 x 20 x 11 voxels .*pred\.mha has 20 x 20 x 12"):
        evaluate(masks[0], other)


def masks_grid():
    return GRID.spacing, GRID.origin, GRID.direction
