"""A bundle's manifest is checked before its networks are read."""

import shutil

import pytest
from bundle_factory import MODELS, PROVIDER, seal

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import BundleError


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"format_version": 2}, "format version 2"),
        ({"organs": []}, "no organs"),
        ({"organs": [{"id": 0, "name": "brain_stem"}]}, "ids 0"),
        ({"organs": [{"id": 256, "name": "brain_stem"}]}, "256"),
        ({"organs": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "twice"),
        ({"organs": [{"id": 1}]}, "incomplete"),
        ({"provider": {}}, "brain_stem"),
        ({"provider": {**PROVIDER, "eye_left": "4d"}}, "eye_left"),
        ({"provider": {**PROVIDER, "eye_left": "3d_small"}}, "eye_left"),
        ({"provider": {**PROVIDER, "heart": "2d"}}, "heart"),
        ({"without_strays": ["heart"]}, "heart"),
        ({"without_strays": 5}, "misstated"),
        ({"models": {**MODELS, "2d": {"folder": "2d", "crop": "half"}}}, "crop rule 'half'"),
        (
            {"models": {**MODELS, "2d": {"folder": "2d", "crop": "whole", "spacing": "1mm"}}},
            "spacing rule '1mm'; accepted: native, or three mm",
        ),
        (
            {"models": {**MODELS, "2d": {"folder": "2d", "crop": "whole", "spacing": [3.0, 0, 1.0]}}},
            r"spacing rule \[3.0, 0, 1.0\]",
        ),
        (
            {
                "models": {
                    **MODELS,
                    "2d": {"folder": "2d", "crop": "whole", "spacing": [3.0, float("nan"), 1.0]},
                }
            },
            "nan",
        ),
        (
            {"models": {**MODELS, "2d": {"folder": "2d", "crop": "whole", "spacing": [3.0, True, 1.0]}}},
            "True",
        ),
        ({"models": {**MODELS, "2d": {"crop": "whole"}}}, "incomplete"),
        ({"models": {**MODELS, "2d": {"folder": "../2d", "crop": "whole"}}}, "missing"),
        ({"models": {**MODELS, "3d_small": {**MODELS["3d_small"], "from_model": "9d"}}}, "'9d'"),
        ({"models": {**MODELS, "3d_small": {**MODELS["3d_small"], "organs": ["heart"]}}}, "heart"),
        ({"models": {**MODELS, "3d_small": {**MODELS["3d_small"], "size_zyx": [0, 1, 1]}}}, "ROI"),
        ({"sha256": "none"}, "incomplete"),
        ({"trained_spacing_mm": {"low": [3.0, 1.0, 1.0]}}, "incomplete"),
        ({"trained_spacing_mm": {"low": [3.0, 1.0, 1.0], "high": [3.0, 0.9, 1.0]}}, "low and high"),
        ({"trained_spacing_mm": {"low": [3.0, 1.0], "high": [3.0, 1.0]}}, "low and high"),
        ({"anatomy": {"organs": {}}}, "incomplete"),
        ({"anatomy": {"organs": {"brain_stem": {"cases": 9}}, "pairs": []}}, "incomplete"),
    ],
)
def test_misstated_manifests_are_refused(bundle_copy, changes, named):
    seal(bundle_copy, **changes)
    with pytest.raises(BundleError, match=named) as raised:
        load_bundle(bundle_copy)
    assert "bundle" in str(raised.value)


def test_a_model_outside_the_bundle_is_refused(bundle_copy):
    shutil.copytree(bundle_copy / "2d", bundle_copy.parent / "other")
    seal(bundle_copy, models={**MODELS, "2d": {"folder": "../other", "crop": "whole"}})
    with pytest.raises(BundleError, match=r"other/plans\.json is missing or not listed"):
        load_bundle(bundle_copy)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle(tmp_path / "nowhere")
