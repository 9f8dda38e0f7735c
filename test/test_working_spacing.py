"""Which CTs are resampled though the bundle does not ask for it, and what the models make of that."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundle_factory import make_bundle
from synthetic_head import head_ct

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.loaded_bundle import load
from hnseg_infer.pipeline import segment
from hnseg_infer.spacing_rule import SpacingRange
from hnseg_infer.volume import Volume
from hnseg_infer.windows import model_window
from hnseg_infer.working_spacing import spacing_warnings, working_spacing

TRAINED = SpacingRange((2.0, 0.9, 0.9), (4.0, 1.2, 1.2))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder: Path = make_bundle(tmp_path_factory.mktemp("bundle"))
    return replace(load_bundle(folder), trained_spacing=TRAINED)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ((3.0, 1.0, 1.0), None),
        ((1.3, 0.73, 1.49), None),  # outside, but not by enough
        ((6.3, 1.0, 1.0), None),
        ((1.2, 1.0, 1.0), (2.0, 1.0, 1.0)),
        ((6.5, 1.0, 1.0), (4.0, 1.0, 1.0)),
        ((3.0, 1.6, 1.0), (3.0, 1.2, 1.0)),
        ((1.0, 0.5, 0.5), (2.0, 0.9, 0.9)),
        ((2.5, 4.0, 4.0), (2.5, 1.2, 1.2)),
    ],
)
def test_only_what_is_far_off_is_resampled(bundle: Bundle, given, used) -> None:
    for model in bundle.models:
        assert working_spacing(model, TRAINED, given) == used
        assert working_spacing(model, None, given) is None
        asking = replace(model, spacing=(2.5, 4.0, 4.0))
        assert working_spacing(asking, TRAINED, given) == (2.5, 4.0, 4.0)
    codes = [warning.code for warning in spacing_warnings(bundle, given)]
    assert codes == ([] if used is None else ["untypical_spacing"])


def test_a_rule_of_the_models_is_no_reason_to_warn(bundle: Bundle) -> None:
    asking = tuple(replace(model, spacing=(3.0, 1.0, 1.0)) for model in bundle.models)
    assert not spacing_warnings(replace(bundle, models=asking), (1.0, 0.5, 0.5))
    assert not spacing_warnings(replace(bundle, trained_spacing=None), (1.0, 0.5, 0.5))


def test_the_small_organ_box_keeps_its_size_in_mm(bundle: Bundle) -> None:
    small = next(model for model in bundle.models if model.roi)
    ct = head_ct()
    labels = {"2d": np.zeros(ct.array.shape, np.uint8)}
    labels["2d"][10:12, 20:24, 20:24] = 8
    given = ct.geometry.spacing_zyx
    window, _ = model_window(small, ct, (28.0, 24.0), labels, bundle.organs)
    assert window is not None
    assert [part.stop - part.start for part in window] == [8, 16, 16]
    half = (given[0] / 2, given[1] / 2, given[2] / 2)
    window, _ = model_window(small, ct, (28.0, 24.0), labels, bundle.organs, half)
    assert window is not None
    assert [part.stop - part.start for part in window] == [4, 8, 8]


def test_fine_voxels_give_about_the_labels_of_those_trained_on(bundle: Bundle) -> None:
    """Each voxel cut into eight: seen at the trained spacing, the CT is the one that it was."""
    ct = head_ct()
    given = ct.geometry.spacing_zyx
    trained = replace(bundle, trained_spacing=SpacingRange(given, given))
    plain = segment(ct, bundle=load(trained, "cpu")).labels.array
    fine = np.repeat(np.repeat(np.repeat(ct.array, 2, 0), 2, 1), 2, 2)
    x, y, z = ct.geometry.spacing
    fine_ct = Volume(fine, replace(ct.geometry, shape=fine.shape, spacing=(x / 2, y / 2, z / 2)))
    found = segment(fine_ct, bundle=load(trained, "cpu"))
    assert "untypical_spacing" in [warning.code for warning in found.warnings]
    assert "untypical_spacing" in [reason.code for reason in found.review]
    as_it_is = segment(fine_ct, bundle=load(replace(trained, trained_spacing=None), "cpu"))
    assert not {"untypical_spacing"} & {warning.code for warning in as_it_is.warnings}
    # random networks label single voxels, which interpolation smooths, and where tiles lie differs by a voxel
    assert agreement(plain, found.labels.array) > 0.7 > agreement(plain, as_it_is.labels.array)


def agreement(labels: np.ndarray, fine: np.ndarray) -> float:
    """Of the voxels that either labels, the part that both label alike; of eight fine voxels one is asked."""
    back = fine[::2, ::2, ::2]
    labelled = (labels > 0) | (back > 0)
    return float((labels[labelled] == back[labelled]).mean())
