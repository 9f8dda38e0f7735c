"""``hnseg case``: CT and labels in other formats and orders of axes to one case."""

from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.cli import main
from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.volume import Geometry, Volume
from hnseg_train.cases import find_cases, read_case


def test_a_case_from_other_formats_and_orders_of_axes(head_ct: Volume, tmp_path: Path) -> None:
    labels = np.zeros(head_ct.array.shape, np.uint8)
    labels[3, 5, 7] = 9
    ct_file, label_file = tmp_path / "ct.mha", tmp_path / "labels.nrrd"
    write(head_ct, ct_file)
    # the same voxels with x running the other way
    grid = head_ct.geometry
    last = grid.position((0, 0, grid.shape[2] - 1))
    direction = tuple(-v if n % 3 == 0 else v for n, v in enumerate(grid.direction))
    flipped = Geometry(grid.shape, grid.spacing, tuple(last), direction)
    write(Volume(np.ascontiguousarray(labels[..., ::-1]), flipped), label_file)
    assert main(["case", str(ct_file), str(label_file), "--out", str(tmp_path / "data" / "a")]) == 0
    (case,) = find_cases(tmp_path / "data")
    ct, found = read_case(case)
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(ct.array, head_ct.array)
    assert read_ct(case.ct).geometry == read_labels(case.label).geometry


def test_labels_of_another_grid_are_refused(
    head_ct: Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(head_ct, tmp_path / "ct.mha")
    grid = head_ct.geometry
    moved = Geometry(grid.shape, grid.spacing, (grid.origin[0] + 5, *grid.origin[1:]), grid.direction)
    write(Volume(np.zeros(grid.shape, np.uint8), moved), tmp_path / "labels.mha")
    files = [str(tmp_path / "ct.mha"), str(tmp_path / "labels.mha")]
    assert main(["case", *files, "--out", str(tmp_path / "case")]) == 1
    assert "apart in the patient" in capsys.readouterr().err
    assert not (tmp_path / "case").exists()
