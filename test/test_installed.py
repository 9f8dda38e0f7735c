"""Bundles by name and by place, and what ``hnseg bundles`` says of them."""

import json
import shutil
from pathlib import Path

import pytest
from bundle_factory import make_bundle, seal

from hnseg_infer import installed
from hnseg_infer.bundle import load_bundle
from hnseg_infer.cli import main
from hnseg_infer.errors import BundleError


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a default bundle and one more."""
    monkeypatch.setattr(installed, "_ROOT", tmp_path)
    monkeypatch.setattr(installed, "DEFAULT_FOLDER", tmp_path / "model_weights")
    make_bundle(tmp_path / "model_weights")
    shutil.copytree(tmp_path / "model_weights", tmp_path / "bundles" / "other")
    seal(tmp_path / "bundles" / "other", name="the other", trained_on="something")
    (tmp_path / "bundles" / "no_bundle").mkdir()
    return tmp_path


def test_a_bundle_is_found_by_name_and_by_place(house: Path) -> None:
    assert load_bundle().folder == load_bundle(Path("default")).folder == house / "model_weights"
    assert load_bundle(Path("other")).name == "the other"
    assert load_bundle(house / "bundles" / "other").name == "the other"
    with pytest.raises(BundleError, match=r"bundle nothing is not a folder.*, or default, other"):
        load_bundle(Path("nothing"))


def test_a_folder_with_a_bundle_comes_before_a_name(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = house / "here" / "other"
    here.mkdir(parents=True)
    monkeypatch.chdir(house / "here")
    for asked in (Path("other"), "other"):
        assert load_bundle(asked).name == "the other"
    make_bundle(here)
    for asked in (Path("other"), "other"):
        assert load_bundle(asked).name == json.loads((here / "bundle.json").read_text())["name"] == "tiny"


def test_a_folder_that_has_no_bundles_name_is_said_to_hold_none(house: Path) -> None:
    with pytest.raises(BundleError, match=r"no_bundle.bundle\.json is missing"):
        load_bundle(str(house / "bundles" / "no_bundle"))


def test_the_list_names_organs_data_and_scores(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = {
        "data": {"cases": 7},
        "organs": [{"name": "brain_stem", "dsc": 0.876}, {"name": "eye_left", "dsc": None}],
        "cross_validation": {"fused": {"mean_dsc": 0.8512}},
    }
    seal(house / "bundles" / "other", name="the other", trained_on="something", card=card)
    assert main(["bundles"]) == 0
    first, second = capsys.readouterr().out.strip().split("\n\n")
    assert first.startswith(f"default: tiny, 4 organs, in {house / 'model_weights'}\n")
    assert "brain_stem, eye_left, optic_chiasm, pituitary" in first
    assert "DSC" not in first
    assert "other: the other, 4 organs" in second
    assert "trained on something" in second
    assert "brain_stem 0.88, eye_left, optic_chiasm, pituitary" in second
    assert "DSC of 7 cases that the models had not seen; mean 0.851" in second
    assert second.endswith("tests")


def test_a_damaged_manifest_is_named(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house / "bundles" / "other" / "bundle.json").write_text("{")
    assert main(["bundles"]) == 1
    assert "other/bundle.json" in capsys.readouterr().err


def test_the_default_bundle_has_the_other_one_for_coarse_cts() -> None:
    bundle, other = load_bundle(), load_bundle(Path("openkbp6"))
    assert len(bundle.organs) == 22
    assert {model.name for model in bundle.models} == {"2d", "3d", "3d_small"}
    assert bundle.coarse is not None
    from_other = {organ for organ, model in bundle.coarse.bundle.provider.items() if model == "coarse_3d"}
    assert from_other == other.provider.keys()
    for path in (file for file in (other.folder / "3d").rglob("*") if file.is_file()):
        same = bundle.folder / "coarse_3d" / path.relative_to(other.folder / "3d")
        assert same.read_bytes() == path.read_bytes()
    files = [path for path in bundle.folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 60e6


def test_the_bundle_of_open_cts_is_whole_and_small() -> None:
    bundle = load_bundle(Path("openkbp6"))
    assert [organ.id for organ in bundle.organs] == [1, 12, 13, 20, 21, 22]
    assert bundle.trained_spacing is not None
    assert bundle.anatomy is not None
    assert set(bundle.anatomy.organs) == {organ.name for organ in bundle.organs}
    files = [path for path in bundle.folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 20e6
    assert "OpenKBP" in (bundle.folder / "CARD.md").read_text()
