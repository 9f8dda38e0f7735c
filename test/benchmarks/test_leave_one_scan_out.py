"""Unseen scans of a cohort, on masks that are moved by known distances."""

import json
from dataclasses import replace
from pathlib import Path

import leave_one_scan_out
import numpy as np
import pytest
from score_factory import found
from tiny_cohort import SPACING_XYZ, write_cohort

from hnseg_infer.formats import read_labels, write
from hnseg_infer.volume import Volume
from hnseg_train.recipes import LITE
from hnseg_train.stages.scores import write_scores

LEFT_MM = 2 * SPACING_XYZ[0]


ORGANS = dict(LITE.organs)
"""Name by label value."""

BEST, GOOD, POOR = 1.0, 0.8, 0.1


@pytest.fixture
def training(tmp_path: Path) -> tuple[Path, Path]:
    """A cohort of one source with two cases, in which the 2D model is the best for every organ.

    Its labels lie two voxels further to the left, and one case lacks the pituitary; the others found nothing.
    """
    data = write_cohort(tmp_path / "atlas", cases=2)
    cohort, work = tmp_path / "cohort.yaml", tmp_path / "work"
    cohort.write_text("sources: {atlas: {folder: atlas}}")
    for case in data.iterdir():
        labels = read_labels(case / "label.nii.gz")
        moved = np.roll(labels.array, 2, 2)
        array = np.where((moved == 11) & (case.name == "case_2"), 0, moved)
        for model in ("2d", "3d", "3d_small"):
            file = work / "predictions" / model / f"atlas_{case.name}.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            write(replace(labels, array=(array * (model == "2d")).astype(np.uint8)), file)
            keep_scores(work, model, case.name, GOOD if model == "2d" else POOR)
    return cohort, work


def keep_scores(work: Path, model: str, case: str, dsc: float) -> None:
    """As the training's stage would, the same DSC for every organ that the model knows."""
    known = next(m for m in LITE.models if m.name == model).label_names or ORGANS.values()
    scores = [found(value, name, dsc, 1.0) for value, name in ORGANS.items() if name in known]
    write_scores(work, model, f"atlas_{case}", scores)


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
    assert organs["inner_ear_left"]["volume_percent"] == 0
    checks = {item["criterion"]: item for item in result["checks"]}
    assert checks["inner_ear_left: centroid within 6 mm"]["passed"]
    assert checks["pituitary: centroid within 8 mm, missed in 1"]["passed"] is False
    assert checks["left and right swapped: 0"]["passed"]
    missed = next(o for o in result["organs"]["atlas_case_2"] if o["name"] == "pituitary")
    assert (missed["dsc"], missed["centroid_mm"], missed["volume_percent"]) == (0.0, None, -100.0)


def test_who_provides_an_organ_is_chosen_without_the_case_that_is_scored(
    training: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # in case 2 the 3D model was much the best, so that case 1 is given by it
    keep_scores(training[1], "2d", "case_2", POOR)
    keep_scores(training[1], "3d", "case_2", BEST)
    assert run(monkeypatch, *training, "--out", tmp_path) == 1
    result = json.loads((tmp_path / "leave_one_scan_out.json").read_text())
    assert set(result["provider"].values()) == {"3d"}
    assert {case: set(of.values()) for case, of in result["provider_chosen_without"].items()} == {
        "atlas_case_1": {"3d"},
        "atlas_case_2": {"2d"},
    }
    assert [organ["dsc"] for organ in result["organs"]["atlas_case_2"]] == [0.0] * 22
    organs = {organ["name"]: organ for organ in result["organs_chosen_without"]["atlas_case_2"]}
    assert organs["eye_left"]["centroid_mm"] == pytest.approx(LEFT_MM)
    page = (tmp_path / "leave_one_scan_out.md").read_text().partition("without the CT")[2]
    assert "| eye_left | atlas_case_2 | 2d |" in page
    assert "atlas_case_1 |" not in page


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
