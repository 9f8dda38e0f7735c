"""Cases are divided by the air beside organs that have none."""

import json
import sys
from pathlib import Path

import blanked_cts
import numpy as np
import pytest
from blanked_cts import air_around, divided

from hnseg_infer.formats import write
from hnseg_infer.volume import Geometry, Volume

GEOMETRY = Geometry(
    (24, 24, 24), (4.0, 4.0, 2.5), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
)


def stem() -> np.ndarray:
    organ = np.zeros(GEOMETRY.shape, bool)
    organ[8:16, 8:16, 8:16] = True
    return organ


def test_air_in_half_of_what_surrounds_an_organ() -> None:
    hu = np.full(GEOMETRY.shape, 30.0)
    assert air_around(hu, stem(), GEOMETRY.spacing_zyx) == 0.0
    hu[:, :, 12:] = -1000.0
    # the organ's own voxels and those beside its contour do not count
    assert air_around(hu, stem(), GEOMETRY.spacing_zyx) == 0.5
    hu[:] = np.where(stem(), 30.0, -1000.0)
    assert air_around(hu, stem(), GEOMETRY.spacing_zyx) == 1.0


def test_scores_are_divided_and_absent_organs_left_out() -> None:
    scores = {
        "a": [{"name": "brain_stem", "dsc": 0.8}, {"name": "spinal_cord", "dsc": None}],
        "b": [{"name": "brain_stem", "dsc": 0.0}, {"name": "spinal_cord", "dsc": 0.7}],
    }
    assert divided(scores, ["b"]) == {
        "brain_stem": {"blanked": [0.0], "whole": [0.8]},
        "spinal_cord": {"blanked": [0.7], "whole": []},
    }


def test_the_page_names_the_blanked_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, outside in (("whole", 30.0), ("blank", -1000.0)):
        folder = tmp_path / "test" / name
        folder.mkdir(parents=True)
        hu = np.where(stem(), 30.0, outside).astype(np.int16)
        write(Volume(hu, GEOMETRY), folder / "data.nii.gz")
        write(Volume(stem().astype(np.uint8), GEOMETRY), folder / "label.nii.gz")
    scores = {name: [{"name": "brain_stem", "dsc": dsc}] for name, dsc in (("whole", 0.8), ("blank", 0.6))}
    for name in blanked_cts.SCORES:
        (tmp_path / f"{name}.json").write_text(json.dumps({"bundle": {"name": name}, "scores": scores}))
    options = ["--scores", str(tmp_path), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["blanked_cts.py", str(tmp_path / "test"), *options])
    assert blanked_cts.main() == 0
    page = (tmp_path / "out" / "blanked_cts.md").read_text()
    assert page.count("| brain_stem | 0.600 | 1 | 0.800 | 1 |") == 2
    assert "In 1 of 2 test patients" in page
    assert "Blanked: blank." in page
