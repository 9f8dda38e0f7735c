"""Bundles that have other models for CTs of low resolution."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundle_factory import MODELS, ORGANS, PROVIDER, make_bundle, seal, write_model_folder
from synthetic_head import head_ct

from hnseg_infer import loaded_bundle
from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import BundleError
from hnseg_infer.loaded_bundle import load
from hnseg_infer.pipeline import segment
from hnseg_infer.review.anatomy import Anatomy, OrganAnatomy, anatomy_json

STEM = ORGANS["brain_stem"]

WITH_COARSE = {**MODELS, "coarse": {"folder": "coarse", "crop": "whole", "spacing": [5.0, 4.0, 4.0]}}

RULE = {
    "from_pixel_mm": 2.0,
    "trained_on": "coarse dice",
    "provider": {"brain_stem": "coarse"},
    "without_strays": ["brain_stem"],
    "entropy": {"brain_stem": {"entropy_bits": 0.1, "entropy_sd_bits": 0.02}},
}

KNOWN = OrganAnatomy(30, 25.0, 1.2, (0.0, 1.0, 2.0), (3.0, 3.0, 4.0), 0.1, 0.3, 0.05)

ANATOMY = anatomy_json(Anatomy({"brain_stem": KNOWN, "eye_left": KNOWN}, ()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The combined system, and a model for the brain stem in coarse CTs."""
    folder: Path = make_bundle(tmp_path_factory.mktemp("both"))
    write_model_folder(folder / "coarse", ["brain_stem"], (8, 16, 16), seed=7)
    seal(folder, models=WITH_COARSE, coarse_cts=RULE, anatomy=ANATOMY, without_strays=["eye_left"])
    return folder


def test_the_pixels_decide_which_models_are_used(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert {model.name for model in bundle.models} == {"2d", "3d", "3d_small"}
    for fine in ((5.0, 1.0, 1.0), (1.0, 1.99, 4.0), (1.0, 4.0, 1.99)):
        assert bundle.for_spacing(fine) is bundle
    coarse = bundle.for_spacing((1.0, 2.0, 2.0))
    # nothing is left for the 3D model to provide
    assert {model.name for model in coarse.models} == {"2d", "3d_small", "coarse"}
    assert coarse.provider == {**bundle.provider, STEM: "coarse"}
    assert coarse.without_strays == {STEM, ORGANS["eye_left"]}
    assert bundle.without_strays == {ORGANS["eye_left"]}
    assert coarse.trained_on == "nothing; 1 of the organs: coarse dice"
    assert bundle.anatomy is not None
    assert coarse.anatomy is not None
    assert bundle.anatomy.organs == {"brain_stem": KNOWN, "eye_left": KNOWN}
    other = replace(KNOWN, entropy_bits=0.1, entropy_sd_bits=0.02)
    assert coarse.anatomy.organs == {"brain_stem": other, "eye_left": KNOWN}


def test_without_its_own_entropy_a_coarse_model_is_never_called_unsure(bundle_copy: Path) -> None:
    seal(bundle_copy, coarse_cts={**RULE, "provider": {"brain_stem": "2d"}, "entropy": {}}, anatomy=ANATOMY)
    coarse = load_bundle(bundle_copy).for_spacing((3.0, 2.0, 2.0))
    assert coarse.anatomy is not None
    assert coarse.anatomy.organs["brain_stem"].entropy_bits is None
    assert coarse.anatomy.organs["eye_left"] == KNOWN


def test_a_coarse_ct_gets_the_organ_of_the_other_model(folder: Path, tmp_path: Path) -> None:
    coarse_ct = head_ct()  # pixels of 4 mm
    found = segment(coarse_ct, bundle=load(folder, "cpu"))
    providers = {organ.name: organ.provider for organ in found.organs}
    assert providers == {**PROVIDER, "brain_stem": "coarse"}
    write_model_folder(tmp_path / "coarse", ["brain_stem"], (8, 16, 16), seed=7)
    seal(
        tmp_path,
        models={"coarse": WITH_COARSE["coarse"]},
        organs=[{"id": STEM, "name": "brain_stem"}],
        provider={"brain_stem": "coarse"},
        without_strays=["brain_stem"],
    )
    alone = segment(coarse_ct, bundle=load(tmp_path, "cpu")).labels.array
    stem = found.labels.array == STEM
    assert stem.sum() > 100
    np.testing.assert_array_equal(stem, (alone == STEM) & ~np.isin(found.labels.array, [2, 8, 11]))


def test_other_cts_are_segmented_as_if_there_were_no_rule(pristine_bundle: Path, bundle_copy: Path) -> None:
    seal(bundle_copy, coarse_cts={**RULE, "from_pixel_mm": 4.01, "provider": {"brain_stem": "2d"}})
    found, plain = (segment(head_ct(), bundle=load(each, "cpu")) for each in (bundle_copy, pristine_bundle))
    assert found.trained_on == "nothing"
    assert found.organs == plain.organs
    assert (found.labels.array == STEM).any()
    np.testing.assert_array_equal(found.labels.array, plain.labels.array)


def test_what_only_coarse_cts_need_is_loaded_for_the_first_of_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    select = loaded_bundle.select_engine

    def counting(*arguments):
        engine = select(*arguments)
        make = engine.load_ranker
        monkeypatch.setattr(engine, "load_ranker", lambda *model: asked.append(1) or make(*model))
        return engine

    monkeypatch.setattr(loaded_bundle, "select_engine", counting)
    loaded = load(folder, "cpu")
    assert not asked
    first, second = (segment(head_ct(), bundle=loaded).labels.array for _ in range(2))
    assert asked == [1]
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"from_pixel_mm": 0}, "from 0 mm for coarse; accepted: a length"),
        ({"from_pixel_mm": "2"}, "from '2' mm"),
        ({"from_pixel_mm": float("nan")}, "nan"),
        ({"provider": {"brain_stem": "4d"}}, "gives brain_stem no model"),
        ({"provider": {"brain_stem": "3d_small"}}, "gives brain_stem no model"),
        ({"provider": {"heart": "3d"}}, "heart"),
        ({"provider": 5}, "misstated"),
        ({"without_strays": ["heart"]}, "heart"),
        ({"entropy": {"brain_stem": 5}}, "misstated"),
    ],
)
def test_misstated_rules_are_refused(bundle_copy: Path, changes: dict, named: str) -> None:
    rule = {**RULE, "provider": {"brain_stem": "2d"}, **changes}
    seal(bundle_copy, coarse_cts=rule, anatomy=ANATOMY)
    with pytest.raises(BundleError, match=named):
        load_bundle(bundle_copy)


def test_an_incomplete_rule_is_refused(bundle_copy: Path) -> None:
    for key in ("from_pixel_mm", "trained_on", "provider"):
        rule = {**RULE, "provider": {"brain_stem": "2d"}}
        del rule[key]
        seal(bundle_copy, coarse_cts=rule)
        with pytest.raises(BundleError, match=key):
            load_bundle(bundle_copy)
    seal(bundle_copy, coarse_cts=5)
    with pytest.raises(BundleError, match="misstated"):
        load_bundle(bundle_copy)
