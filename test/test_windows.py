"""Where each model looks, on labels drawn by hand."""

from dataclasses import replace

import numpy as np
import pytest
from bundle_factory import make_bundle

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.volume import Geometry, Volume
from hnseg_infer.windows import TYPICAL_POSITION_MM, inferred_center, model_window, robust_center

SHAPE = (30, 80, 90)
SPACING = (3.0, 2.0, 2.0)
HEAD = (45.0, 60.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    return load_bundle(make_bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture
def ct() -> Volume:
    geometry = Geometry(SHAPE, SPACING[::-1], (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    hu = np.full(SHAPE, -1000.0, dtype=np.float32)
    hu[:, 30:60, 40:80] = 40.0
    return Volume(hu, geometry)


def head(center_zyx: tuple[float, float, float], names: dict[int, str]) -> np.ndarray:
    """One voxel per organ at its typical place; the brain stem at ``center_zyx`` (voxels)."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for organ, name in names.items():
        place = np.array(center_zyx) + np.array(TYPICAL_POSITION_MM[name]) / SPACING
        labels[tuple(np.round(place).astype(int))] = organ
    return labels


def test_fields_around_the_head(bundle, ct):
    whole, three, _ = bundle.models
    # 500 and 240 mm of 2 mm around row 45 and column 60
    field = slice(0, 30), slice(-79, 171), slice(-64, 186)
    assert model_window(whole, ct, HEAD, {}, bundle.organs) == (field, [])
    head = slice(0, 30), slice(-14, 106), slice(1, 121)
    assert model_window(three, ct, HEAD, {}, bundle.organs) == (head, [])


def test_a_window_holds_the_patch(bundle, ct):
    _, three, small = bundle.models
    wide = replace(three, network=replace(three.network, patch=(40, 16, 200)))
    window, _ = model_window(wide, ct, HEAD, {}, bundle.organs)
    # of 30 slices 40 are seen, five of air to either side
    assert window == (slice(-5, 35), slice(-14, 106), slice(-39, 161))
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[10:13, 40:45, 50:57] = 8
    deep = replace(small, network=replace(small.network, patch=(40, 16, 16)))
    window, _ = model_window(deep, ct, HEAD, {"2d": labels}, bundle.organs)
    assert window is not None
    assert [part.stop - part.start for part in window] == [40, 16, 16]


def test_roi_is_centred_on_the_organs_found(bundle, ct):
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[10:13, 40:45, 50:57] = 8
    labels[9, 42, 53] = 11
    window, doubts = model_window(bundle.models[2], ct, HEAD, {"2d": labels}, bundle.organs)
    # bounding box 9..12, 40..44, 50..56: centre 10.5, 42, 53; the box is 8 x 16 x 16
    assert window is not None
    assert window[0] == slice(7, 15)
    assert [(part.start + part.stop - 1) / 2 for part in window] == pytest.approx([10.5, 42, 53], abs=0.5)
    assert doubts == []


def test_roi_stays_inside_the_ct(bundle, ct):
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[29, 1, 88] = 8
    window, _ = model_window(bundle.models[2], ct, HEAD, {"2d": labels}, bundle.organs)
    assert window == (slice(22, 30), slice(0, 16), slice(74, 90))


def test_far_voxels_do_not_move_the_centre():
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[10:13, 40:45, 50:57] = 8
    labels[0, 0, 0] = labels[29, 79, 89] = 8
    assert robust_center(labels, [8, 11], (8, 16, 16)) == (11.0, 42.0, 53.0)
    assert robust_center(labels, [11], (8, 16, 16)) is None


def test_centre_is_inferred_from_other_organs():
    names = {1: "brain_stem", 2: "eye_left", 3: "eye_right", 9: "temporal_lobe_left"}
    labels = head((12, 60, 45), names)
    # halfway between chiasm and pituitary: 15.2 mm up, 31.8 mm forward
    expected = (12 + 15.2 / 3, 60 - 31.8 / 2, 45.0)
    found = inferred_center(labels, names, ["optic_chiasm", "pituitary"], SPACING)
    assert found == pytest.approx(expected, abs=0.6)


def test_one_misplaced_organ_is_outvoted():
    names = {1: "brain_stem", 2: "eye_left", 3: "eye_right", 9: "temporal_lobe_left", 20: "spinal_cord"}
    labels = head((12, 60, 45), {key: names[key] for key in (1, 2, 3)})
    labels[0, 0, 0] = 9
    found = inferred_center(labels, names, ["optic_chiasm", "pituitary"], SPACING)
    assert found == pytest.approx((17.07, 44.1, 45.0), abs=3.0)


def test_nothing_is_inferred_from_too_little():
    names = {1: "brain_stem", 2: "eye_left", 20: "spinal_cord"}
    labels = head((12, 60, 45), {1: "brain_stem", 2: "eye_left"})
    labels[0, 0, 0] = 20
    assert inferred_center(labels, names, ["optic_chiasm"], SPACING) is None
    many = {1: "brain_stem", 2: "eye_left", 3: "eye_right"}
    assert inferred_center(head((12, 60, 45), many), many, ["spleen"], SPACING) is None


def test_typical_positions_are_symmetric():
    for name, (z, y, x) in TYPICAL_POSITION_MM.items():
        if name.endswith("_left"):
            assert x > 0
            assert TYPICAL_POSITION_MM[name.replace("_left", "_right")] == (z, y, -x)


def test_inferred_and_missing_rois_are_reported(bundle, ct):
    names = {1: "brain_stem", 2: "eye_left", 3: "eye_right"}
    organs = tuple(replace(bundle.organs[0], id=organ, name=name) for organ, name in names.items())
    small = bundle.models[2]
    window, doubts = model_window(small, ct, HEAD, {"2d": head((12, 60, 45), names)}, organs)
    assert window is not None
    assert [doubt.code for doubt in doubts] == ["roi_inferred"]
    nothing = {"2d": np.zeros(SHAPE, dtype=np.uint8)}
    window, doubts = model_window(small, ct, HEAD, nothing, organs)
    assert window is None
    assert [doubt.code for doubt in doubts] == ["roi_not_found"]
    assert "optic_chiasm and pituitary" in doubts[0].message


def test_a_place_outside_the_ct_is_no_place(bundle, ct):
    names = {1: "brain_stem", 2: "inner_ear_left", 3: "inner_ear_right"}
    organs = tuple(replace(bundle.organs[0], id=organ, name=name) for organ, name in names.items())
    # organs of the skull base in the top slices: chiasm and pituitary would lie above the CT
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[29, 60, 45], labels[27, 56, 62], labels[27, 56, 28] = 1, 2, 3
    center = inferred_center(labels, names, ["optic_chiasm", "pituitary"], SPACING)
    assert center == pytest.approx((34.5, 44.1, 45.0), abs=1.0)
    window, doubts = model_window(bundle.models[2], ct, HEAD, {"2d": labels}, organs)
    assert window is None
    assert [doubt.code for doubt in doubts] == ["roi_not_found"]
