"""Normalisation, body mask and centres on images whose answer is known by construction."""

import numpy as np
import pytest
from scipy import ndimage

from hnseg_infer.preprocessing import (
    HUWindow,
    body_mask,
    fill_holes,
    labels_center,
    normalized,
    tissue_box,
    tissue_mask,
    z_score,
)

SPACING = (3.0, 1.0, 1.0)


def head_on_couch(
    shape: tuple[int, int, int] = (40, 200, 240), center: tuple[int, int] = (90, 150)
) -> np.ndarray:
    """A 50 mm cylinder of water in air above a thin couch."""
    hu = np.full(shape, -1000.0, dtype=np.float32)
    _, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    hu[np.broadcast_to((y - center[0]) ** 2 + (x - center[1]) ** 2 < 50**2, shape)] = 40
    hu[:, 170:175, 10:230] = 200
    return hu


def test_z_score_has_zero_mean_and_unit_deviation() -> None:
    image = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    expected = (np.arange(24) - 11.5) / np.sqrt((24**2 - 1) / 12)
    np.testing.assert_allclose(z_score(image).ravel(), expected, rtol=1e-6)


def test_z_score_of_a_constant_is_zero() -> None:
    assert not z_score(np.full((2, 2, 2), 7)).any()


def test_a_window_of_hu_is_nnunets_ct_normalization() -> None:
    from nnunetv2.preprocessing.normalization.default_normalization_schemes import CTNormalization

    hu = np.arange(-1000, 2000, 7, dtype=np.int16).reshape(3, 11, 13)
    intensities = {"percentile_00_5": -300.0, "percentile_99_5": 800.0, "mean": 40.0, "std": 200.0}
    expected = CTNormalization(intensityproperties=intensities).run(hu.copy())
    found = normalized(hu, HUWindow(low=-300.0, high=800.0, mean=40.0, deviation=200.0))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (found.min(), found.max()) == (np.float32(-1.7), np.float32(3.8))
    np.testing.assert_array_equal(normalized(hu, None), z_score(hu))


def test_body_mask_leaves_the_couch_out() -> None:
    mask, (step_y, step_x) = body_mask(head_on_couch(), SPACING)
    assert (step_y, step_x) == (4, 4)
    rows = np.nonzero(mask)[1] * step_y
    assert 40 <= rows.min() <= 44
    assert 136 <= rows.max() <= 140


def test_body_mask_is_the_largest_part_of_the_tissue() -> None:
    hu = head_on_couch()
    hu[:10, 20:60, 20:60] = 40
    tissue, _ = tissue_mask(hu, SPACING)
    body, _ = body_mask(hu, SPACING)
    assert tissue[:10, 7:13, 7:13].all()
    assert not body[:, 5:15, 5:15].any()
    np.testing.assert_array_equal(body[10:], tissue[10:])


@pytest.mark.parametrize("share", [0.4, 0.55, 0.7, 0.9])
def test_tissue_mask_is_ndimage_filling_and_opening_slice_by_slice(share: float) -> None:
    solid = np.random.default_rng(1).random((5, 40, 50)) < share
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in solid])
    np.testing.assert_array_equal(fill_holes(solid), filled)
    rows, columns = np.mgrid[-2:3, -2:3]
    opened = ndimage.binary_opening(filled, (rows**2 + columns**2 <= 4)[None])
    tissue, steps = tissue_mask(np.where(solid, 40, -1000), (3.0, 4.0, 4.0))
    assert steps == (1, 1)
    np.testing.assert_array_equal(tissue, opened)


def test_tissue_box_reaches_a_centimetre_beyond_the_patient() -> None:
    rows, columns = tissue_box(head_on_couch(), SPACING)
    # the cylinder's rows 41 to 139, columns 101 to 199, found every 4 mm and less its rim's tips
    assert rows.start in range(30, 37)
    assert rows.stop in range(145, 152)
    assert columns.start in range(90, 97)
    assert columns.stop in range(205, 212)
    rows, columns = tissue_box(head_on_couch(), (3.0, 2.0, 0.5))
    assert rows.start in range(34, 40)
    assert columns.start in range(80, 90)


def test_tissue_box_ends_where_the_image_does() -> None:
    assert tissue_box(np.full((3, 50, 60), 40.0), SPACING) == (slice(0, 50), slice(0, 60))


@pytest.mark.parametrize("slices", [0, 3])
def test_without_tissue_its_box_is_everything(slices: int) -> None:
    assert tissue_box(np.full((slices, 50, 60), -1000.0), SPACING) == (slice(0, 50), slice(0, 60))


def test_labels_center_is_the_middle_of_the_bounding_box() -> None:
    labels = np.zeros((10, 10, 10), dtype=np.uint8)
    labels[2, 3, 4] = 8
    labels[4, 8, 5] = 11
    assert labels_center(labels, (8, 11)) == (3.0, 5.5, 4.5)
    assert labels_center(labels, (1,)) is None
