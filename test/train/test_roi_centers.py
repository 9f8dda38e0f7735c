"""ROI centres from hand-made 2D predictions on a grid of 30 x 60 x 60 voxels of 3 x 1 x 1 mm."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from tiny_cohort import SPACING_XYZ, write_cohort

from hnseg_infer.model_run import ModelResult
from hnseg_train.cases import Case, Source, read_case, source_cases
from hnseg_train.recipes import CHECK, STRUCTSEG
from hnseg_train.stages import centers
from hnseg_train.stages.centers import (
    FOUND,
    INFERRED,
    REFERENCE,
    roi_center,
    roi_centers_stage,
    roi_samples,
)
from hnseg_train.stages.engine import run_stages
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.road import Road, Settings

SHAPE, SPACING, SIZE = (30, 60, 60), (3.0, 1.0, 1.0), (16, 32, 32)
CHIASM, PITUITARY = 8, 11


def labels(*organs: tuple[int, slice, slice, slice]) -> np.ndarray:
    array = np.zeros(SHAPE, np.uint8)
    for value, *place in organs:
        array[tuple(place)] = value
    return array


REFERENCE_LABELS = labels(
    (CHIASM, slice(15, 17), slice(30, 34), slice(28, 34)),
    (PITUITARY, slice(13, 14), slice(30, 33), slice(30, 32)),
)


def test_the_centre_is_that_of_the_predicted_organs() -> None:
    predicted = labels((CHIASM, slice(16, 19), slice(33, 36), slice(30, 37)))
    found = roi_center(predicted, REFERENCE_LABELS, SIZE, SPACING)
    assert found is not None
    assert (found.center_zyx, found.source) == ((17.0, 34.0, 33.0), FOUND)
    # the reference's box spans 13 to 16, 30 to 33 and 28 to 33: its centre is (14.5, 31.5, 30.5)
    assert found.off_mm == pytest.approx(np.sqrt((2.5 * 3) ** 2 + 2.5**2 + 2.5**2))


def test_without_them_other_organs_tell_where_to_look() -> None:
    # each organ is one voxel at its typical offset (up, back, left) from a brain stem at (10, 50, 30), in mm
    predicted = labels()
    for value, (up, back, left) in {1: (0, 0, 0), 14: (-7.7, -8.6, 34.8), 15: (-7.7, -8.6, -34.8)}.items():
        place = np.rint([10 + up / 3, 50 + back, 30 + left]).astype(int)
        predicted[tuple(np.clip(place, 0, np.array(SHAPE) - 1))] = value
    found = roi_center(predicted, REFERENCE_LABELS, SIZE, SPACING)
    assert found is not None
    assert found.source == INFERRED
    # chiasm and pituitary lie 15.2 mm above and 31.8 mm before the brain stem; the ears are clipped sideways
    np.testing.assert_allclose(found.center_zyx, (10 + 15.2 / 3, 50 - 31.8, 30), atol=1.0)


def test_without_anything_the_reference_is_used_and_said() -> None:
    found = roi_center(labels(), REFERENCE_LABELS, SIZE, SPACING)
    assert found is not None
    assert (found.center_zyx, found.source, found.off_mm) == ((14.5, 31.5, 30.5), REFERENCE, 0.0)


def test_without_any_trace_there_is_no_centre() -> None:
    assert roi_center(labels(), labels(), SIZE, SPACING) is None


def test_samples_of_a_case_and_its_variants(tmp_path: Path) -> None:
    data = write_cohort(tmp_path / "data", cases=1)
    small = next(model for model in CHECK.models if model.name == "3d_small")
    x, y, z = SPACING_XYZ
    source = Source("tiny", data, spacing=(z / 2, y, x), variants=1)
    (case,) = source_cases(source)
    files = roi_samples(case, (24.0, 64.0, 64.0), (z, y, x), small, tmp_path, STRUCTSEG)
    stems = {path.stem.removesuffix("_seg").rpartition("_")[0] for path in files}
    assert stems == {"tiny_case_1", "tiny_case_1_v0"}
    (data / "case_1" / "contoured.json").write_text(json.dumps({"organs": ["brain_stem", "pituitary"]}))
    files = roi_samples(case, (24.0, 64.0, 64.0), (z, y, x), small, tmp_path, STRUCTSEG)
    assert {tuple(pickle.loads(p.read_bytes())["unknown_classes"]) for p in files if p.suffix == ".pkl"} == {
        (1,)
    }


def test_only_what_changed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def results(case: Case, _: object) -> tuple[object, dict[str, ModelResult]]:
        ct, reference = read_case(case)
        looked_at.append(case.name)
        # the 2D model is always right
        return ct, {"2d": ModelResult(reference, {})}

    monkeypatch.setattr(centers, "results_by_model", results)
    monkeypatch.setattr(centers, "load_fold", lambda *_: None)
    whole, part = (write_cohort(tmp_path / name, cases=2) for name in ("whole", "part"))
    sources = (Source("whole", whole), Source("part", part, contoured=("brain_stem",)))
    said: list[str] = []
    work = tmp_path / "work"
    settings = Settings(sources, work, CHECK, tmp_path / "bundle", 2)
    road = Road(settings, Ledger(work), said.append)
    small = next(model for model in CHECK.models if model.name == "3d_small")

    def made(weights: str) -> set[str]:
        for fold in (0, 1):
            road.ledger.write("2d-folds", f"2d_fold_{fold}", weights, [])
        said.clear()
        run_stages([roi_centers_stage(road, small)], road.ledger, [], road.say)
        return {line.removeprefix("roi-centres: ") for line in said if "done" not in line}

    whole_cases = {"whole_case_1", "whole_case_2"}
    centres = {f"{name}_centre" for name in whole_cases}
    assert made("first") == {*centres, *whole_cases, "part_case_1", "part_case_2", "report"}
    assert made("first") == set()
    # other weights may find another place; as they find the same one, the samples stay
    assert made("others") == centres
    # where none of its organs was contoured nobody looks
    assert set(looked_at) == whole_cases
    samples = {path.name for path in (work / "preprocessed" / "hnseg_3d_small" / "3d_small").glob("*.pkl")}
    assert samples == {f"{name}_0.pkl" for name in whole_cases}
    assert "part" not in (work / "roi_centres" / "centres.md").read_text()
