"""The benchmarks on real low-resolution CTs, on small synthetic heads: what they count is what was done."""

import json
from dataclasses import replace
from pathlib import Path

import accuracy_openkbp
import broken_cts
import cropped_cts
import numpy as np
import pytest
import review_rates
from bundle_factory import make_bundle
from sides import swapped
from synthetic_head import head_ct

from hnseg_infer.formats import write
from hnseg_infer.loaded_bundle import load
from hnseg_infer.pipeline import segment
from hnseg_infer.volume import Geometry, Volume, to_canonical

NAMES = {1: "brain_stem", 12: "parotid_left", 13: "parotid_right"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Path:
    """Two heads whose reference is what the bundle finds, so that every score is known."""
    folder = tmp_path_factory.mktemp("cases")
    ct = head_ct()
    for name in ("pt_1", "pt_2"):
        (folder / name).mkdir()
        write(ct, folder / name / "data.nii.gz")
        write(segment(ct, bundle=bundle).labels, folder / name / "label.nii.gz")
    return folder


def run(program, monkeypatch: pytest.MonkeyPatch, *values: object) -> int:
    monkeypatch.setattr("sys.argv", ["program", *map(str, values)])
    code: int = program.main()
    return code


def test_its_own_labels_score_one(cases: Path, bundle: Path, tmp_path: Path, monkeypatch) -> None:
    code = run(
        accuracy_openkbp,
        monkeypatch,
        cases,
        "--bundle",
        bundle,
        "--out",
        tmp_path,
        "--pictures",
        tmp_path / "p",
    )
    result = json.loads((tmp_path / "accuracy_openkbp.json").read_text())
    assert code == (1 if result["swapped"] else 0)
    (stem,) = [organ for organ in result["organs"] if organ["name"] == "brain_stem"]
    assert (stem["dsc"]["mean"], stem["dsc"]["count"]) == (1.0, 2)
    stem_cm3 = next(score["predicted_cm3"] for score in result["scores"]["pt_1"] if score["id"] == 1)
    assert result["volumes"]["brain_stem"] == {"reference_cm3": [stem_cm3] * 3, "ratio": [1.0] * 3}
    assert result["extents"]["brain_stem"] == {"dsc": 1.0, "below_mm": [0.0] * 3, "above_mm": [0.0] * 3}
    assert len(list((tmp_path / "p").glob("001_brain_stem_*.png"))) == 2


@pytest.mark.parametrize(("mirror", "expected"), [(False, []), (True, ["parotid"])])
def test_swapped_sides_are_counted(mirror: bool, expected: list[str]) -> None:
    labels = np.zeros((4, 8, 10), np.uint8)
    labels[2, 3, 2], labels[2, 3, 7], labels[1, 1, 5] = 13, 12, 1
    geometry = Geometry(labels.shape, (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    array = np.ascontiguousarray(labels[..., ::-1]) if mirror else labels
    assert swapped(Volume(array, geometry), NAMES) == expected
    # a header that says so is no swap
    turned = replace(geometry, direction=(-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    assert swapped(Volume(array, turned), NAMES) == ([] if mirror else ["parotid"])


def test_what_breaks_a_ct() -> None:
    ct = head_ct()
    hu = ct.array
    np.testing.assert_array_equal(broken_cts.mirrored(ct).array[..., 0], hu[..., -1])
    np.testing.assert_array_equal(broken_cts.upside_down(ct).array[0], hu[-1])
    assert broken_cts.every_other_slice(ct).geometry.spacing == ct.geometry.spacing
    np.testing.assert_array_equal(broken_cts.every_other_slice(ct).array[1], hu[2])
    halves = [broken_cts.lower_half(ct).array, broken_cts.upper_half(ct).array]
    np.testing.assert_array_equal(np.concatenate(halves), hu)
    assert broken_cts.too_dense(ct).array[0, 0, 0] == hu[0, 0, 0] + 1000
    assert broken_cts.too_thin(ct).array[0, 0, 0] == hu[0, 0, 0] - 1000


def test_every_way_is_tried_and_counted(cases: Path, bundle: Path, tmp_path: Path, monkeypatch) -> None:
    assert run(review_rates, monkeypatch, cases, "--bundle", bundle, "--out", tmp_path) == 0
    result = json.loads((tmp_path / "review_rates.json").read_text())
    assert set(result["rates"]) == {"as it is", *broken_cts.BROKEN}
    assert result["rates"]["1000 HU too high"] == 1.0
    for found in result["reasons"]["1000 HU too high"].values():
        assert found[0][0] in ("hu_offset_removed", "refused")
    prediction = segment(head_ct(), bundle=bundle)
    plain = [[reason.code, reason.organ] for reason in prediction.review]
    assert result["reasons"]["as it is"] == {"pt_1": plain, "pt_2": plain}


@pytest.mark.parametrize("seed", range(4))
def test_a_turned_box_holds_the_voxels_of_the_window(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ct = head_ct()
    window = cropped_cts.random_window(ct.array.shape, rng)
    grid = cropped_cts.turned(cropped_cts.cropped_geometry(ct.geometry, window), rng)
    index = (1.0, 2.0, 3.0)
    inside = tuple(part.start + place for part, place in zip(window, index, strict=True))
    part = Volume(np.zeros(grid.shape, np.int16), grid)
    back = to_canonical(part).geometry
    np.testing.assert_allclose(back.position(index), ct.geometry.position(inside), atol=1e-9)
    assert back.shape == tuple(side.stop - side.start for side in window)


def test_crops_are_compared_with_the_whole(cases: Path, bundle: Path) -> None:
    loaded = load(bundle)
    found = cropped_cts.trial("pt_1", head_ct(), loaded, np.random.default_rng(3))
    assert found.error is None
    assert found.agreement is not None
    assert 0.1 < found.agreement <= 1
    assert min(found.kept) >= 0.4


def test_agreement_counts_what_either_labels() -> None:
    ours, others = np.array([0, 1, 1, 2, 0], np.uint8), np.array([0, 1, 2, 2, 1], np.uint8)
    assert cropped_cts.agreement(ours, others) == 0.5
    assert cropped_cts.agreement(ours * 0, others * 0) is None


def test_a_ct_that_is_refused_is_an_error(bundle: Path) -> None:
    ct = head_ct()
    flat = Volume(np.zeros_like(ct.array), ct.geometry)
    found = cropped_cts.trial("flat", flat, load(bundle), np.random.default_rng(3))
    assert found.error is not None
    assert "same value" in found.error
