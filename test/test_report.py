import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.identity import CtIdentity
from hnseg_infer.report import (
    OrganResult,
    Prediction,
    Reason,
    Warning,
    read_report,
    results_json,
    write_results,
)
from hnseg_infer.volume import Geometry, Volume

CT = CtIdentity("p7.nii.gz", None, "0123abcd")
GRID = Geometry((2, 3, 4), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def prediction(volume_cm3: float = 25.123456) -> Prediction:
    return Prediction(
        labels=Volume(np.zeros(GRID.shape, np.uint8), GRID),
        organs=(
            OrganResult(1, "brain_stem", "3d", volume_cm3, True, 2, True, 0.12345),
            OrganResult(4, "lens_left", "2d", 0.0, False, 0, False, None),
        ),
        warnings=(Warning("untypical_spacing", "The voxel spacing is 4 mm."),),
        review=(
            Reason("out_of_view", "lens_left", "lens_left lies outside the CT."),
            Reason("untypical_spacing", None, "The voxel spacing is 4 mm."),
        ),
        seconds={"read": 0.123456, "2d": 12.0},
        device="cpu",
        bundle_name="lite",
        trained_on="generated patients",
    )


def test_everything_a_reader_needs_is_there() -> None:
    results = results_json(prediction(), CT, "p7.mha")
    assert results["organs"] == [
        {
            "id": 1,
            "name": "brain_stem",
            "volume_cm3": 25.123,
            "provider": "3d",
            "in_view": True,
            "pieces": 2,
            "at_border": True,
            "entropy_bits": 0.123,
        },
        {
            "id": 4,
            "name": "lens_left",
            "volume_cm3": 0.0,
            "provider": "2d",
            "in_view": False,
            "pieces": 0,
            "at_border": False,
            "entropy_bits": None,
        },
    ]
    assert results["review"] == {
        "needed": True,
        "reasons": [
            {"code": "out_of_view", "organ": "lens_left", "message": "lens_left lies outside the CT."},
            {"code": "untypical_spacing", "organ": None, "message": "The voxel spacing is 4 mm."},
        ],
    }
    assert results["warnings"] == [{"code": "untypical_spacing", "message": "The voxel spacing is 4 mm."}]
    assert results["seconds"] == {"read": 0.12, "2d": 12.0}
    assert results["bundle"] == {"name": "lite", "trained_on": "generated patients"}
    assert results["device"] == "cpu"
    assert results["ct"] == {"name": "p7.nii.gz", "series_uid": None, "sha256": "0123abcd"}
    assert results["mask"] == "p7.mha"
    assert "not for clinical use" in results["not_for_clinical_use"]


def test_without_reasons_no_review_is_needed() -> None:
    results = results_json(replace(prediction(), review=()), CT, "p7.mha")
    assert results["review"] == {"needed": False, "reasons": []}


def test_file_is_json_in_the_same_order(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(prediction(), path, CT, "p7.mha")
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read == results_json(prediction(), CT, "p7.mha")
    assert list(read) == list(results_json(prediction(), CT, "p7.mha"))
    first = path.read_bytes()
    write_results(prediction(), path, CT, "p7.mha")
    assert path.read_bytes() == first
    assert [item.name for item in tmp_path.iterdir()] == ["results.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_results(prediction(float("nan")), path, CT, "p7.mha")
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["results.json"]


def test_a_report_is_told_from_other_files(tmp_path: Path) -> None:
    path = tmp_path / "p7.json"
    assert read_report(path) is None
    write_results(prediction(), path, CT, "p7.mha")
    assert read_report(path) == results_json(prediction(), CT, "p7.mha")
    # what converters of DICOM leave beside an image, and what is no JSON
    for text in ('{"Modality": "CT"}', '{"software": []}', '{"software": 7}', "[]", "{", "\xff"):
        path.write_text(text, encoding="latin-1")
        assert read_report(path) is None
