"""The contact sheet of variants."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from synthetic_head import head_ct
from variation_pictures import GAP, contact_sheet, patient_row

from hnseg_infer.formats import write
from hnseg_infer.volume import Volume, to_canonical

ROOT = Path(__file__).parents[2]


def test_the_sheet_holds_the_given_patient_and_the_variants(tmp_path: Path) -> None:
    ct = to_canonical(head_ct())
    labels = np.zeros(ct.array.shape, np.uint8)
    depth, height, width = (size // 2 for size in labels.shape)
    labels[depth - 3 : depth + 3, height - 4 : height + 4, width - 3 : width + 3] = 1
    write(ct, tmp_path / "ct.mha")
    write(Volume(labels, ct.geometry), tmp_path / "labels.mha")
    command = [
        sys.executable,
        "benchmarks/variation_pictures.py",
        tmp_path / "ct.mha",
        tmp_path / "labels.mha",
    ]
    done = subprocess.run(
        [*command, "--out", tmp_path / "sheet.png", "--count", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "variant 1: " in done.stdout
    row = patient_row(ct, labels, "given")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * (row.width + GAP), row.height + GAP)
        given = np.asarray(sheet)[: row.height, : row.width]
    np.testing.assert_array_equal(given, np.asarray(row))


def test_rows_are_filled_from_the_left() -> None:
    colors = ("red", "green", "blue", "black")
    sheet = contact_sheet([Image.new("RGB", (10, 8), color) for color in colors])
    assert sheet.size == (3 * (10 + GAP), 2 * (8 + GAP))
    assert sheet.getpixel((0, 8 + GAP)) == (0, 0, 0)
    assert sheet.getpixel((2 * (10 + GAP), 0)) == (0, 0, 255)
