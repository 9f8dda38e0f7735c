"""The subcommand from files to a picture."""

import argparse
import json

import numpy as np
import pytest
from PIL import Image

from hnseg_infer.commands.preview import add_parser
from hnseg_infer.errors import HNSegError, InputError
from hnseg_infer.formats import write
from hnseg_infer.organ_names import names_beside
from hnseg_infer.volume import Geometry, Volume

GRID = Geometry((12, 40, 40), (5.0, 5.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def preview(*arguments):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["preview", *map(str, arguments)])
    parsed.run(parsed)


def test_writes_a_picture(tmp_path):
    labels = np.zeros(GRID.shape, np.uint8)
    labels[4:8, 10:20, 10:20] = 1
    write(Volume(np.zeros(GRID.shape, np.int16), GRID), tmp_path / "ct.mha")
    write(Volume(labels, GRID), tmp_path / "mask.nii.gz")
    preview(tmp_path / "ct.mha", tmp_path / "mask.nii.gz", tmp_path / "new" / "out.png")
    with Image.open(tmp_path / "new" / "out.png") as picture:
        assert picture.format == "PNG"


def test_missing_mask_is_one_sentence(tmp_path):
    write(Volume(np.zeros(GRID.shape, np.int16), GRID), tmp_path / "ct.mha")
    with pytest.raises(InputError, match=r"absent\.nii\.gz"):
        preview(tmp_path / "ct.mha", tmp_path / "absent.nii.gz", tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("container", [False, True])
def test_names_come_from_the_report_that_names_the_mask(tmp_path, container):
    folder = tmp_path / "images" / "head_neck_oar" if container else tmp_path
    report = tmp_path / "results.json" if container else tmp_path / "a.json"
    folder.mkdir(parents=True, exist_ok=True)
    assert names_beside(folder / "a.mha") is None
    content = {"software": "hnseg 1", "mask": "a.mha", "organs": [{"id": 3, "name": "larynx"}]}
    report.write_text(json.dumps(content))
    assert names_beside(folder / "a.mha") == {3: "larynx"}
    # converted since
    assert names_beside(folder / "a.nii.gz") == {3: "larynx"}
    assert names_beside(folder / "b.mha") is None
    report.write_text(json.dumps({**content, "mask": "b.mha"}))
    assert names_beside(folder / "a.mha") is None


def test_a_place_that_takes_no_picture(tmp_path, locked_folder):
    with pytest.raises(HNSegError, match="cannot be written"):
        preview(tmp_path / "ct.mha", tmp_path / "mask.mha", locked_folder / "out.png")
