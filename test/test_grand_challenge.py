"""One case in Grand Challenge's folders: the road around the networks, which a stand-in replaces."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from hnseg_infer import grand_challenge
from hnseg_infer.errors import BundleError
from hnseg_infer.report import OrganResult, Prediction, Reason, Warning
from hnseg_infer.volume import Volume

SHAPE = (9, 11, 13)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine's settings nor its thread limits reach or leave the tests."""
    monkeypatch.setattr(grand_challenge, "limit_threads", lambda: None)
    for name in ("HNSEG_INPUT_SLUG", "HNSEG_OUTPUT_SLUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replaces the pipeline by one that labels what is above 100 HU; returns the arguments of its calls."""
    recorded: list[dict[str, Any]] = []

    def segment(volume: Volume, **arguments: Any) -> Prediction:
        recorded.append(arguments)
        return Prediction(
            labels=Volume((volume.array > 100).astype(np.uint8), volume.geometry),
            organs=(OrganResult(1, "brain_stem", "3d", 27.5, True, 1, False, None),),
            warnings=(Warning("doubt", "A doubt."),),
            review=(Reason("unsure", "brain_stem", "Unsure of brain_stem."),),
            seconds={"2d": 1.5},
            device="cpu (stand-in)",
            bundle_name="demo",
            trained_on="nothing",
        )

    monkeypatch.setattr("hnseg_infer.pipeline.segment", segment)
    # what would be loaded in the background stands for what was
    monkeypatch.setattr("hnseg_infer.loaded_bundle.start_loading", lambda *asked: asked)
    return recorded


def write_ct(path: Path) -> sitk.Image:
    """An oblique CT in which the voxels above 100 HU are known."""
    image = sitk.GetImageFromArray((np.indices(SHAPE).sum(axis=0) * 10).astype(np.int16))
    image.SetSpacing((0.977, 1.1, 3.0))
    image.SetOrigin((-250.123456789, 12.5, 1e-7))
    image.SetDirection((0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return image


def run(tmp_path: Path, *more: str) -> int:
    return grand_challenge.main(["--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"), *more])


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.usefixtures("calls")
def test_mask_and_report_on_the_grid_of_the_ct(tmp_path: Path) -> None:
    ct = write_ct(tmp_path / "in" / "images" / "ct" / "1.2.3.mha")
    assert run(tmp_path) == 0
    mask_name = "images/head_neck_oar/1.2.3.mha"
    assert contents(tmp_path / "out") == ["images", "images/head_neck_oar", mask_name, "results.json"]
    mask = sitk.ReadImage(str(tmp_path / "out" / mask_name))
    assert mask.GetPixelID() == sitk.sitkUInt8
    for name in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(mask, name)() == getattr(ct, name)()
    assert np.array_equal(sitk.GetArrayFromImage(mask), np.indices(SHAPE).sum(axis=0) > 10)
    assert b"CompressedData = True" in (tmp_path / "out" / mask_name).read_bytes()[:1000]
    report = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [(organ["id"], organ["volume_cm3"]) for organ in report["organs"]] == [(1, 27.5)]
    assert report["warnings"] == [{"code": "doubt", "message": "A doubt."}]
    assert (report["ct"]["name"], report["mask"]) == ("1.2.3.mha", "1.2.3.mha")


@pytest.mark.usefixtures("calls")
def test_the_log_says_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ct(tmp_path / "in" / "a.mha")
    assert run(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["1", "brain_stem", "27.50", "3d"] in [line.split() for line in lines]
    assert "warning doubt: A doubt." in lines
    assert "review unsure: brain_stem" in lines
    mask = tmp_path / "out" / "images" / "head_neck_oar" / "a.mha"
    assert lines[-1] == f"Wrote {mask} and {tmp_path / 'out' / 'results.json'}."


@pytest.mark.usefixtures("calls")
def test_slugs_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ct(tmp_path / "in" / "images" / "dose" / "a.mha")
    write_ct(tmp_path / "in" / "images" / "planning" / "b.mha")
    monkeypatch.setenv("HNSEG_INPUT_SLUG", "planning")
    monkeypatch.setenv("HNSEG_OUTPUT_SLUG", "organs")
    assert run(tmp_path) == 0
    assert (tmp_path / "out" / "images" / "organs" / "b.mha").is_file()


def test_model_and_device_reach_the_pipeline(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    write_ct(tmp_path / "in" / "a.nii.gz")
    assert run(tmp_path, "--model", str(tmp_path), "--device", "cpu", "--precision", "f32") == 0
    assert calls == [{"bundle": (tmp_path, "cpu", "f32"), "source": "a.nii.gz", "progress": None}]


def test_weights_are_the_mounted_ones_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = tmp_path / "model"
    monkeypatch.setattr(grand_challenge.Defaults, "mounted_model", mounted)
    assert grand_challenge.read_settings([]).model is None
    mounted.mkdir()
    assert grand_challenge.read_settings([]).model is None
    (mounted / "bundle.json").touch()
    assert grand_challenge.read_settings([]).model == mounted


@pytest.mark.usefixtures("calls")
def test_the_same_case_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    write_ct(tmp_path / "in" / "a.mha")
    masks = []
    for _ in range(2):
        assert run(tmp_path) == 0
        masks.append((tmp_path / "out" / "images" / "head_neck_oar" / "a.mha").read_bytes())
    assert masks[0] == masks[1]


def test_a_bad_input_ends_in_one_sentence_before_any_network(
    tmp_path: Path, calls: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ct.mha").write_text("not an image\n")
    assert run(tmp_path) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "ct.mha" in lines[0]
    assert not calls
    assert not (tmp_path / "out").exists()


def fail(monkeypatch: pytest.MonkeyPatch, where: str, error: Exception) -> None:
    def raise_error(*_arguments: Any, **_named: Any) -> None:
        raise error

    monkeypatch.setattr(where, raise_error)


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("there_before", [False, True])
@pytest.mark.parametrize("where", ["pipeline.segment", "formats.write", "report.write_results"])
def test_nothing_is_left_of_a_failed_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, there_before: bool
) -> None:
    write_ct(tmp_path / "in" / "a.mha")
    out = tmp_path / "out"
    if there_before:
        out.mkdir()
    fail(monkeypatch, f"hnseg_infer.{where}", BundleError("Weights are missing."))
    assert run(tmp_path) == 1
    assert out.exists() == there_before
    assert not there_before or contents(out) == []


@pytest.mark.usefixtures("calls")
def test_nothing_is_left_of_a_case_that_a_signal_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ct(tmp_path / "in" / "a.mha")

    def written_then_ended(_prediction: Prediction, path: Path, *_names: Any) -> None:
        path.touch()
        raise SystemExit(0)

    monkeypatch.setattr("hnseg_infer.report.write_results", written_then_ended)
    with pytest.raises(SystemExit):
        run(tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("calls")
def test_an_error_of_our_own_shows_its_traceback_and_then_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ct(tmp_path / "in" / "a.mha")
    fail(monkeypatch, "hnseg_infer.pipeline.segment", ValueError("two\nlines"))
    assert run(tmp_path) == 1
    text = capsys.readouterr().err
    assert text.startswith("Traceback")
    assert "ValueError: two lines" in text.splitlines()[-1]


@pytest.mark.usefixtures("calls")
def test_a_full_disk_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ct(tmp_path / "in" / "a.mha")
    fail(monkeypatch, "hnseg_infer.report.write_results", OSError(28, "No space left on device"))
    assert run(tmp_path) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"The output folder {tmp_path / 'out'} cannot be written (No space left on device)."
    ]


def test_an_output_folder_that_takes_no_file_is_found_before_any_network(
    tmp_path: Path,
    locked_folder: Path,
    calls: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_ct(tmp_path / "in" / "a.mha")
    options = ("--input", str(tmp_path / "in"), "--output", str(locked_folder))
    assert grand_challenge.main(options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"The output folder {locked_folder} cannot be written" in line
    assert not calls


def test_a_file_in_the_place_of_the_output_folder(
    tmp_path: Path, calls: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    write_ct(tmp_path / "in" / "a.mha")
    (tmp_path / "out").touch()
    assert run(tmp_path) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not calls
