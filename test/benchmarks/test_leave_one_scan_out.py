"""Unseen scans of a cohort, on masks that are moved by known distances."""

import json
from dataclasses import replace
from pathlib import Path

import leave_one_scan_out
import numpy as np
import pytest
from tiny_cohort import SPACING_XYZ, write_cohort

from hnseg_infer.formats import read_labels, write
from hnseg_infer.volume import Volume

LEFT_MM = 2 * SPACING_XYZ[0]


@pytest.fixture
def training(tmp_path: Path) -> tuple[Path, Path]:
    """A cohort of one source with two cases, and predictions that lie two voxels further to the left.

    One of them lacks the pituitary.
    """
    data = write_cohort(tmp_path / "atlas", cases=2)
    cohort, work = tmp_path / "cohort.yaml", tmp_path / "work"
    cohort.write_text("sources: {atlas: {folder: atlas}}")
    (work / "predictions" / "fused").mkdir(parents=True)
    for case in data.iterdir():
        labels = read_labels(case / "label.nii.gz")
        moved = np.roll(labels.array, 2, 2)
        array = np.where((moved == 11) & (case.name == "case_2"), 0, moved)
        write(
            replace(labels, array=array.astype(np.uint8)),
            work / "predictions" / "fused" / f"atlas_{case.name}.nii.gz",
        )
    return cohort, work


def run(monkeypatch: pytest.MonkeyPatch, *values: object) -> int:
    monkeypatch.setattr("sys.argv", ["program", *map(str, values)])
    return leave_one_scan_out.main()


def test_distances_are_those_that_the_masks_were_moved_by(
    training: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, *training, "--out", tmp_path) == 1
    result = json.loads((tmp_path / "leave_one_scan_out.json").read_text())
    assert set(result["organs"]) == {"atlas_case_1", "atlas_case_2"}
    organs = {organ["name"]: organ for organ in result["organs"]["atlas_case_1"]}
    assert len(organs) == 22
    assert organs["inner_ear_left"]["centroid_mm"] == pytest.approx(LEFT_MM)
    checks = {item["criterion"]: item for item in result["checks"]}
    assert checks["inner_ear_left: centroid within 6 mm"]["passed"]
    assert checks["pituitary: centroid within 8 mm, missed in 1"]["passed"] is False
    assert checks["left and right swapped: 0"]["passed"]
    missed = next(o for o in result["organs"]["atlas_case_2"] if o["name"] == "pituitary")
    assert (missed["dsc"], missed["centroid_mm"]) == (0.0, None)


def test_a_source_that_is_not_there_is_refused(
    training: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, *training, "--source", "lunch")
    assert "no source lunch" in capsys.readouterr().err


def test_mirrored_labels_count_as_swapped(training: tuple[Path, Path]) -> None:
    labels = read_labels(training[0].parent / "atlas" / "case_1" / "label.nii.gz")
    mirrored = Volume(np.ascontiguousarray(labels.array[..., ::-1]), labels.geometry)
    assert leave_one_scan_out.swapped(labels, leave_one_scan_out.NAMES) == []
    assert "eye" in leave_one_scan_out.swapped(mirrored, leave_one_scan_out.NAMES)
