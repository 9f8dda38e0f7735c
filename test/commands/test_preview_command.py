"""The subcommand from files to a picture."""

import argparse

import numpy as np
import pytest
from PIL import Image

from hnseg_infer.commands.preview import add_parser
from hnseg_infer.errors import InputError
from hnseg_infer.formats import write
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
