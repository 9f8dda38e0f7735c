"""The whole road on a synthetic head and a tiny random bundle."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from bundle_factory import ORGANS, PROVIDER, make_bundle, seal, write_model_folder
from synthetic_head import head_ct

from hnseg_infer.bundle import load_bundle
from hnseg_infer.class_maps import ClassMap
from hnseg_infer.engines.torch_engine import TorchEngine
from hnseg_infer.errors import BundleError, DeviceError, InputError
from hnseg_infer.head_place import head_center
from hnseg_infer.loaded_bundle import LoadedBundle, load, start_loading
from hnseg_infer.pipeline import segment
from hnseg_infer.preprocessing import HUWindow, tissue_box, z_score
from hnseg_infer.resampling import organ_labels, resample
from hnseg_infer.slice_range import organ_slices
from hnseg_infer.views import roi_window
from hnseg_infer.volume import Volume
from hnseg_infer.windows import robust_center


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def loaded(folder) -> LoadedBundle:
    return load(folder, "cpu")


def reference(folder: Path) -> LoadedBundle:
    """The same bundle on the torch CPU engine."""
    bundle = load_bundle(folder)
    engine = TorchEngine("cpu")
    networks = {model.name: model.network for model in bundle.models}
    labellers = {name: engine.load(network) for name, network in networks.items()}
    return LoadedBundle(
        bundle, engine.description, labellers, lambda name: engine.load_ranker(networks[name])
    )


IN_AIR = np.s_[:, 34 : 34 + 56, 39 : 39 + 48]
"""Where the head's image lies in what a model of whole slices sees of it.

The skull's centroid is row 27.9 and column 23.4; around it 500 mm are 125 voxels.
"""


def in_air(hu: np.ndarray) -> np.ndarray:
    """What a model of whole slices sees of the head."""
    assert head_center(hu, head_ct().geometry.spacing_zyx) == pytest.approx((27.88, 23.45), abs=0.01)
    whole = np.full((30, 125, 125), -1000, np.int16)
    whole[IN_AIR] = hu
    return whole


def test_equals_spec_section_2_step_by_step(folder):
    """Every organ, composed here by hand from each model's labels on its own window."""
    ct = head_ct()
    hu, spacing = ct.array, ct.geometry.spacing_zyx
    road = reference(folder)
    prediction = segment(ct, bundle=road)

    whole = in_air(hu)
    patient = slice(None), *tissue_box(hu, spacing)
    assert hu[patient].size < hu.size
    two = np.zeros(hu.shape, np.uint8)
    two[patient] = road.labellers["2d"](z_score(whole)[IN_AIR][patient]).labels
    # 240 mm are 60 voxels
    found = road.labellers["3d"](z_score(whole[:, 32:92, 33:93])).labels
    three = found[:, 2 : 2 + 56, 6 : 6 + 48]
    # the 2D model's classes 3 and 4 are chiasm and pituitary
    center = robust_center(two, (3, 4), (8, 16, 16))
    assert center is not None
    box = roi_window(center, (8, 16, 16), hu.shape)
    small = np.zeros_like(two)
    small[box] = road.labellers["3d_small"](z_score(hu[box])).labels

    masks = {1: three == 1, 2: two == 2, 8: small == 1, 11: small == 2}
    expected = np.zeros_like(two)
    for organ in sorted(masks, key=lambda value: (-masks[value].sum(), value)):
        expected[masks[organ]] = organ
    assert all(mask.any() for mask in masks.values())
    np.testing.assert_array_equal(prediction.labels.array, expected)


def test_prediction_says_what_it_is(loaded):
    ct = head_ct()
    prediction = segment(ct, bundle=loaded)
    assert prediction.labels.geometry == ct.geometry
    assert prediction.labels.array.dtype == np.uint8
    assert (prediction.bundle_name, prediction.trained_on) == ("tiny", "nothing")
    assert prediction.device.startswith("cpu (openvino")
    assert list(prediction.seconds) == [
        "check",
        "load",
        "crop",
        "2d",
        "3d",
        "roi",
        "3d_small",
        "fuse",
        "review",
    ]
    assert {organ.name: organ.id for organ in prediction.organs} == ORGANS
    for organ in prediction.organs:
        # 4 x 4 x 5 mm voxels of 0.08 cm3
        voxels = int((prediction.labels.array == organ.id).sum())
        assert organ.volume_cm3 == pytest.approx(voxels * 0.08)
        assert organ.provider == PROVIDER[organ.name]


def test_the_same_input_gives_the_same_bytes(folder):
    first = segment(head_ct(), bundle=folder, device="cpu")
    second = segment(head_ct(), bundle=str(folder), device="cpu")
    assert first.labels.array.tobytes() == second.labels.array.tobytes()
    assert first.organs == second.organs


def test_a_loaded_bundle_serves_many_cases(loaded):
    first = segment(head_ct(1), bundle=loaded)
    other = segment(head_ct(2), bundle=loaded)
    assert not np.array_equal(first.labels.array, other.labels.array)
    np.testing.assert_array_equal(segment(head_ct(1), bundle=loaded).labels.array, first.labels.array)


def test_threads_that_share_a_bundle_take_turns(loaded):
    alone = {seed: segment(head_ct(seed), bundle=loaded).labels.array for seed in range(4)}
    tiles: list[int] = []

    def case(seed: int) -> np.ndarray:
        told = segment(head_ct(seed), bundle=loaded, progress=lambda *_: tiles.append(seed))
        return told.labels.array

    with ThreadPoolExecutor(max_workers=4) as threads:
        together = dict(zip(range(4), threads.map(case, range(4)), strict=True))
    for seed, labels in alone.items():
        np.testing.assert_array_equal(together[seed], labels)
    # the tiles of one case come together, and then those of the next
    assert len(list(groupby(tiles))) == len(set(tiles)) == 4


def test_the_input_is_not_changed(loaded):
    ct = head_ct()
    before = ct.array.copy()
    segment(ct, bundle=loaded)
    np.testing.assert_array_equal(ct.array, before)


def chest_ct() -> Volume:
    """A trunk 400 mm wide with lungs and a spine."""
    z, y, x = np.meshgrid(np.arange(30), np.arange(56) * 8 - 220, np.arange(56) * 8 - 220, indexing="ij")
    hu = np.full(z.shape, -1000, dtype=np.int16)
    hu[(x / 200) ** 2 + (y / 120) ** 2 < 1] = 40
    hu[(np.abs(x) - 90) ** 2 + y**2 < 60**2] = -800
    hu[x**2 + (y - 90) ** 2 < 20**2] = 500
    return Volume(hu, replace(head_ct().geometry, shape=hu.shape, spacing=(8.0, 8.0, 5.0)))


def test_in_a_chest_no_organ_is_looked_for(loaded):
    prediction = segment(chest_ct(), bundle=loaded)
    assert not prediction.labels.array.any()
    codes = [warning.code for warning in prediction.warnings]
    assert "no_head_or_neck" in codes
    assert "organs_not_found" in codes
    assert all(organ.volume_cm3 == 0 for organ in prediction.organs)


def test_without_a_skull_the_networks_run_all_the_same(loaded):
    ct = head_ct()
    # a neck has no skull but may have a mandible and a cord
    neck = np.where(ct.array > 300, 45, ct.array).astype(np.int16)
    neck[10:12, 20:24, 20:24] = 400
    prediction = segment(Volume(neck, ct.geometry), bundle=loaded)
    assert "head_not_found" in [warning.code for warning in prediction.warnings]
    assert prediction.labels.array.any()


def silence(image, *_others) -> ClassMap:
    """A network that finds nothing."""
    return ClassMap(np.zeros(image.shape, np.uint8), np.full(5, np.nan))


def test_missing_organs_are_named(loaded):
    silent = {**loaded.labellers, "3d": silence}
    prediction = segment(head_ct(), bundle=replace(loaded, labellers=silent))
    (warning,) = [warning for warning in prediction.warnings if warning.code == "organs_not_found"]
    assert warning.message == "Not found in the CT: brain_stem."


def test_small_organs_stay_empty_when_nothing_tells_where_they_are(loaded):
    silent = {**loaded.labellers, "2d": silence}
    prediction = segment(head_ct(), bundle=replace(loaded, labellers=silent))
    assert "roi_not_found" in [warning.code for warning in prediction.warnings]
    assert not np.isin(prediction.labels.array, (2, 8, 11)).any()
    assert (prediction.labels.array == 1).any()


def test_a_bundle_with_one_model_and_other_organs(tmp_path):
    write_model_folder(tmp_path / "only", ["spleen", "liver"], (8, 16, 16), seed=9)
    seal(
        tmp_path,
        organs=[{"id": 250, "name": "liver"}, {"id": 3, "name": "spleen"}],
        models={"net": {"folder": "only", "crop": "whole", "spacing": "native"}},
        provider={"liver": "net", "spleen": "net"},
    )
    prediction = segment(head_ct(), bundle=tmp_path, device="cpu")
    assert set(np.unique(prediction.labels.array)) == {0, 3, 250}
    road = load(tmp_path, "cpu")
    hu, classes = head_ct().array, np.zeros(head_ct().array.shape, np.uint8)
    patient = slice(None), *tissue_box(hu, head_ct().geometry.spacing_zyx)
    classes[patient] = road.labellers["net"](z_score(in_air(hu))[IN_AIR][patient]).labels
    np.testing.assert_array_equal(prediction.labels.array == 3, classes == 1)
    np.testing.assert_array_equal(prediction.labels.array == 250, classes == 2)


def test_a_model_with_a_window_of_hu_sees_what_lies_in_it(tmp_path):
    bundle = load_bundle(spaced_bundle(tmp_path, "native"))
    window = HUWindow(low=-100.0, high=300.0, mean=40.0, deviation=100.0)
    spec = bundle.models[0]
    windowed = replace(spec, network=replace(spec.network, hu_window=window))
    road = load(replace(bundle, models=(windowed,)), "cpu")
    hu, classes = head_ct().array, np.zeros(head_ct().array.shape, np.uint8)
    patient = slice(None), *tissue_box(hu, head_ct().geometry.spacing_zyx)
    shown = (np.clip(hu, -100, 300) - 40).astype(np.float32) / 100
    classes[patient] = road.labellers["net"](shown[patient]).labels
    labels = segment(head_ct(), bundle=road).labels.array
    np.testing.assert_array_equal(labels, np.array([0, 3, 250])[classes])
    assert (labels != segment(head_ct(), bundle=bundle, device="cpu").labels.array).any()


def spaced_bundle(folder: Path, spacing: object) -> Path:
    write_model_folder(folder / "only", ["spleen", "liver"], (8, 16, 16), seed=9)
    seal(
        folder,
        organs=[{"id": 250, "name": "liver"}, {"id": 3, "name": "spleen"}],
        models={"net": {"folder": "only", "crop": "whole", "spacing": spacing}},
        provider={"liver": "net", "spleen": "net"},
    )
    return folder


def test_a_model_that_asks_for_a_spacing_gets_it(tmp_path):
    ct = head_ct()
    spacing = tuple(mm * factor for mm, factor in zip(ct.geometry.spacing_zyx, (0.8, 2, 2), strict=True))
    road = load(spaced_bundle(tmp_path, list(spacing)), "cpu")
    prediction = segment(ct, bundle=road)
    assert prediction.labels.geometry == ct.geometry
    coarse = resample(ct.array, (round(ct.array.shape[0] / 0.8), 28, 24))
    rows, columns = tissue_box(ct.array, ct.geometry.spacing_zyx)
    patient = np.s_[:, rows.start // 2 : -(-rows.stop // 2), columns.start // 2 : -(-columns.stop // 2)]
    # 500 mm around the head are 62 voxels of 8 mm; the image begins in row 17 and column 20
    shown = np.full((len(coarse), 62, 62), -1000, np.float32)
    shown[:, 17:45, 20:44] = coarse
    image = z_score(shown)[:, 17:45, 20:44]
    ranked = road.ranker("net")(image[patient]).placed(patient, coarse.shape)
    classes = organ_labels(ranked, ct.array.shape)
    # slices that can hold no organ are left empty
    seen = organ_slices(ct.array, ct.geometry.spacing_zyx)
    expected = np.array([0, 3, 250], np.uint8)[classes]
    expected[: seen.start] = expected[seen.stop :] = 0
    assert set(np.unique(expected)) == {0, 3, 250}
    # tiles outside those slices are not computed, so that at their edge fewer are averaged
    assert (prediction.labels.array == expected).mean() > 0.99


def test_at_the_spacing_of_the_ct_it_is_as_without_resampling(tmp_path):
    ct = head_ct()
    native = segment(ct, bundle=spaced_bundle(tmp_path / "native", "native"), device="cpu")
    same = spaced_bundle(tmp_path / "same", list(ct.geometry.spacing_zyx))
    found = segment(ct, bundle=same, device="cpu").labels.array
    assert (found == native.labels.array).mean() > 0.999


def test_errors_come_before_networks_run(folder, monkeypatch):
    ct = head_ct()
    not_finite = ct.array.astype(np.float32)
    not_finite[3, 3, 3] = np.nan

    def never(*_arguments):
        raise AssertionError("a network was loaded")

    monkeypatch.setattr("hnseg_infer.pipeline.load", never)
    with pytest.raises(InputError, match=r"head\.mha"):
        segment(Volume(not_finite, ct.geometry), bundle=folder, source="head.mha")


def test_loading_in_the_background_changes_nothing(folder, loaded, tmp_path):
    expected = segment(head_ct(), bundle=loaded).labels.array
    found = segment(head_ct(), bundle=start_loading(folder, "cpu"))
    assert found.bundle_name == "tiny"
    np.testing.assert_array_equal(found.labels.array, expected)
    with pytest.raises(BundleError, match="nowhere"):
        segment(head_ct(), bundle=start_loading(tmp_path / "nowhere"))


def test_slices_that_hold_no_organ_stay_background(folder, loaded, monkeypatch):
    everywhere = segment(head_ct(), bundle=loaded).labels.array
    monkeypatch.setattr("hnseg_infer.pipeline.organ_slices", lambda *_: slice(9, 21))
    tiles = []
    found = segment(head_ct(), bundle=loaded, progress=lambda *call: tiles.append(call)).labels.array
    assert not found[:9].any()
    assert not found[21:].any()
    # where the small organs' box lies depends on the 2D labels, which now end earlier
    small = np.isin(everywhere, (8, 11)) | np.isin(found, (8, 11))
    np.testing.assert_array_equal(found[9:21][~small[9:21]], everywhere[9:21][~small[9:21]])
    # 12 slices, each of 56 x 48 pixels in tiles of 32 x 32: 3 x 2
    assert ("2d", 0, 12 * 6) in tiles


def test_bad_bundles_and_devices(folder, tmp_path):
    with pytest.raises(BundleError):
        segment(head_ct(), bundle=tmp_path / "nowhere")
    with pytest.raises(DeviceError):
        segment(head_ct(), bundle=folder, device="abacus")
    with pytest.raises(DeviceError, match="does not compute in f16"):
        segment(head_ct(), bundle=folder, device="cpu", precision="f16")
