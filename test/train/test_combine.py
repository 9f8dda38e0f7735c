"""``hnseg combine`` on two made-up trainings: random networks, scores by hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from bundle_factory import ORGANS, make_bundle, seal, write_model_folder
from score_factory import found
from synthetic_head import head_ct

from hnseg_infer.bundle import load_bundle
from hnseg_infer.cli import main
from hnseg_infer.commands.bundles import description
from hnseg_infer.installed import MANIFEST
from hnseg_infer.pipeline import segment
from hnseg_train.combine.trainings import read_training
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.scores import WITHOUT_STRAYS, write_scores

CASES = ("a_1", "a_2", "b_1")

COMBINED = {
    "2d": {"brain_stem": 0.7, "eye_left": 0.8},
    "3d": {"brain_stem": 0.8, "eye_left": 0.6},
    "3d_small": {"optic_chiasm": 0.6, "pituitary": 0.5},
    "fused": {"brain_stem": 0.8, "eye_left": 0.8, "optic_chiasm": 0.6, "pituitary": 0.5},
}
"""Mean DSC by model and organ."""

SINGLE = {"brain_stem": 0.9, "eye_left": 0.804, "optic_chiasm": 0.3, "pituitary": 0.2}

SOURCES = {"a": {"share": 1.0}, "b": {"share": 3.0}}


def card(trained_on: str, sources: Mapping) -> dict:
    return {"data": {"trained_on": trained_on, "cases": 3, "sources": sources}, "limits": ["few cases"]}


def write_work(work: Path, scores: Mapping[str, Mapping[str, float]], cases=CASES) -> None:
    """Scores and records around the bundle in WORK/bundle; a case's DSC is the organ's mean."""
    ledger = Ledger(work)
    for case in cases:
        for model, organs in scores.items():
            write_scores(
                work, model, case, [found(ORGANS[name], name, dsc, 2.0) for name, dsc in organs.items()]
            )
        for item in (case, f"{case}_fused"):
            ledger.write("tables", item, {}, [])
    ledger.finish("tables", [item for case in cases for item in (case, f"{case}_fused")])
    ledger.write("export", "bundle", {}, sorted((work / "bundle").rglob("*.json")))


@pytest.fixture
def combined(tmp_path: Path) -> Path:
    """The combined system: three models."""
    make_bundle(tmp_path / "combined" / "bundle")
    seal(tmp_path / "combined" / "bundle", card=card("three dice", {}))
    write_work(tmp_path / "combined", COMBINED)
    return tmp_path / "combined"


def write_single(work: Path, dsc: Mapping[str, float] = SINGLE, cases=CASES, name: str = "nnsam") -> Path:
    """A system of one model."""
    write_model_folder(work / "bundle" / name, list(ORGANS), (32, 32), seed=9)
    seal(
        work / "bundle",
        name="single",
        models={name: {"folder": name, "crop": "whole"}},
        provider=dict.fromkeys(ORGANS, name),
        card=card("one die", {}),
    )
    write_work(work, {name: dsc, "fused": dsc}, cases)
    return work


def combine(tmp_path: Path, *works: Path) -> int:
    out = ["--bundle", str(tmp_path / "out"), "--tables", str(tmp_path / "tables")]
    return main(["combine", *map(str, works), *out])


def test_each_organ_comes_from_the_best_model(combined: Path, tmp_path: Path) -> None:
    single = write_single(tmp_path / "single")
    for case in CASES:
        without_strays = [found(ORGANS[name], name, SINGLE[name], 2.0) for name in ORGANS]
        without_strays[0] = found(ORGANS["brain_stem"], "brain_stem", 0.92, 2.0)
        write_scores(single, f"nnsam/{WITHOUT_STRAYS}", case, without_strays)
    assert combine(tmp_path, combined, single) == 0
    bundle = load_bundle(tmp_path / "out")
    assert {organ.name: bundle.provider[organ.id] for organ in bundle.organs} == {
        "brain_stem": "nnsam",
        # better by less than the margin
        "eye_left": "2d",
        "optic_chiasm": "3d_small",
        "pituitary": "3d_small",
    }
    assert {model.name for model in bundle.models} == {"2d", "3d_small", "nnsam"}
    assert bundle.trained_on == "three dice; one die"
    assert bundle.without_strays == {ORGANS["brain_stem"]}
    page = (tmp_path / "tables" / "comparison.md").read_text()
    assert "tiny fused" in page
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert "mean 0.705" in description("out", tmp_path / "out", manifest)

    labels = {
        name: segment(head_ct(), bundle=load_bundle(folder), device="cpu").labels.array
        for name, folder in (
            ("out", tmp_path / "out"),
            ("single", single / "bundle"),
            ("combined", combined / "bundle"),
        )
    }
    stem, eye = labels["out"] == ORGANS["brain_stem"], labels["out"] == ORGANS["eye_left"]
    assert stem.any()
    assert eye.any()
    assert (labels["single"][stem] == ORGANS["brain_stem"]).all()
    # where the 2D model sees the eye, the combined system may have painted another organ over it
    assert (labels["combined"][eye] > 0).all()
    assert (labels["combined"][eye] == ORGANS["eye_left"]).mean() > 0.8


def test_sources_count_by_their_shares(tmp_path: Path) -> None:
    work = tmp_path / "work"
    write_single(work)
    manifest = json.loads((work / "bundle" / MANIFEST).read_text())
    seal(work / "bundle", **{**manifest, "card": card("one die", SOURCES)})
    groups = read_training(work).groups
    assert {case: (group.name, group.share) for case, group in groups.items()} == {
        "a_1": ("a", 1.0),
        "a_2": ("a", 1.0),
        "b_1": ("b", 3.0),
    }


def test_trainings_that_do_not_belong_together_are_refused(
    combined: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert combine(tmp_path, combined, tmp_path / "nothing") == 1
    assert "No training was finished in" in capsys.readouterr().err
    assert combine(tmp_path, combined, write_single(tmp_path / "same", name="3d")) == 1
    assert "More than one training has a model 3d" in capsys.readouterr().err
    assert combine(tmp_path, combined, write_single(tmp_path / "other", cases=("c_1", "c_2"))) == 1
    assert "the same cases are needed" in capsys.readouterr().err
    fewer = write_single(tmp_path / "fewer")
    manifest = json.loads((fewer / "bundle" / MANIFEST).read_text())
    organs = manifest["organs"][1:]
    provider = {organ["name"]: "nnsam" for organ in organs}
    seal(fewer / "bundle", **{**manifest, "organs": organs, "provider": provider})
    assert combine(tmp_path, combined, fewer) == 1
    assert "outline different organs" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
