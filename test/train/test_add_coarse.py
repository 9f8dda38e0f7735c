"""``hnseg add-coarse`` on small bundles of random networks."""

import json
from pathlib import Path

import pytest
from bundle_factory import ORGANS, make_bundle, seal, write_model_folder
from synthetic_head import head_ct

from hnseg_infer.bundle import load_bundle
from hnseg_infer.cli import main
from hnseg_infer.commands.bundles import description
from hnseg_infer.installed import MANIFEST
from hnseg_infer.pipeline import segment
from hnseg_infer.review.anatomy import Anatomy, OrganAnatomy, anatomy_json

FINE = {"low": [2.0, 0.9, 0.9], "high": [3.0, 1.0, 1.2]}

COARSE = {"low": [2.0, 4.0, 2.7], "high": [5.0, 5.0, 5.0]}

KNOWN = OrganAnatomy(30, 25.0, 1.2, (0.0, 1.0, 2.0), (3.0, 3.0, 4.0), 0.1, 0.3, 0.05)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The combined system."""
    folder: Path = make_bundle(tmp_path / "base")
    (folder / "CARD.md").write_text("# The base\n\nIts limits.\n")
    seal(folder, trained_spacing_mm=FINE, card={"data": {"cases": 3}})
    return folder


def write_coarse(folder: Path, seed: int = 7, **changes) -> Path:
    """A model of the brain stem at 4 mm; ``changes`` replace entries of its manifest."""
    write_model_folder(folder / "net", ["brain_stem"], (8, 16, 16), seed=seed)
    manifest = {
        "name": "coarse dice",
        "trained_on": f"die {seed}",
        "organs": [{"id": ORGANS["brain_stem"], "name": "brain_stem"}],
        "models": {"net": {"folder": "net", "crop": "whole", "spacing": [5.0, 4.0, 4.0]}},
        "provider": {"brain_stem": "net"},
        "trained_spacing_mm": COARSE,
        "anatomy": anatomy_json(Anatomy({"brain_stem": KNOWN}, ())),
        "without_strays": ["brain_stem"],
        "card": {"organs": [{"name": "brain_stem", "dsc": 0.7654}]},
    }
    seal(folder, **{**manifest, **changes})
    return folder


def add(base: Path, coarse: Path, out: Path) -> int:
    return main(["add-coarse", str(base), str(coarse), "--bundle", str(out)])


def test_coarse_cts_get_the_organs_of_the_other_bundle(base: Path, tmp_path: Path, capsys) -> None:
    coarse, out = write_coarse(tmp_path / "coarse"), tmp_path / "out"
    assert add(base, coarse, out) == 0
    # the square root of 1.2 x 2.7
    assert "at least 1.8 mm" in capsys.readouterr().out
    stem = {}
    for folder in (out, coarse):
        found = segment(head_ct(), bundle=load_bundle(folder), device="cpu")
        stem[folder] = next(organ for organ in found.organs if organ.name == "brain_stem")
    assert stem[out].provider == "coarse_net"
    assert stem[out].entropy_bits == pytest.approx(stem[coarse].entropy_bits)
    bundle = load_bundle(out)
    assert {model.name for model in bundle.models} == {"2d", "3d", "3d_small"}
    assert bundle.coarse is not None
    assert bundle.coarse.bundle.trained_on == "nothing; 1 of the organs: die 7"
    page = (out / "CARD.md").read_text()
    assert page.startswith("# The base\n\nIts limits.\n\n## CTs of low resolution\n")
    assert "| brain_stem | 0.765 |" in page
    manifest = json.loads((out / MANIFEST).read_text())
    assert manifest["card"]["coarse_cts"]["organs"][0]["dsc"] == 0.7654
    assert manifest["card"]["data"] == {"cases": 3}
    said = description("out", out, manifest)
    assert "in CTs with pixels from 1.8 mm 1 of them by models trained on die 7" in said


def test_models_for_coarse_cts_are_replaced_in_place(base: Path, tmp_path: Path) -> None:
    older, newer = write_coarse(tmp_path / "older", seed=7), write_coarse(tmp_path / "newer", seed=8)
    assert add(base, older, tmp_path / "out") == add(tmp_path / "out", newer, tmp_path / "out") == 0
    assert add(base, newer, tmp_path / "at_once") == 0
    files = {
        folder: {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "out", tmp_path / "at_once")
    }
    assert files[tmp_path / "out"] == files[tmp_path / "at_once"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"trained_spacing_mm": {"low": [2.0, 1.2, 1.2], "high": [5.0, 5.0, 5.0]}}, "ranges do not meet"),
        ({"organs": [{"id": 9, "name": "brain_stem"}]}, "outlines brain_stem"),
        ({"models": {"net": {"folder": "net", "crop": "whole"}}}, "at one spacing"),
    ],
)
def test_bundles_that_do_not_fit_are_refused(base: Path, tmp_path: Path, changes, named, capsys) -> None:
    assert add(base, write_coarse(tmp_path / "coarse", **changes), tmp_path / "out") == 1
    assert named in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bundles_without_spacings_are_refused(tmp_path: Path, capsys) -> None:
    assert add(make_bundle(tmp_path / "base"), write_coarse(tmp_path / "coarse"), tmp_path / "out") == 1
    assert "does not say what spacings" in capsys.readouterr().err
