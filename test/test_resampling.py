"""Resampling against values by hand, and organs on the way back against all classes at once."""

import numpy as np
import pytest
from scipy import ndimage

from hnseg_infer.class_maps import RankedMap
from hnseg_infer.resampling import axis_weights, organ_labels, resample, resample_labels, shape_at


def test_shape_keeps_the_extent():
    assert shape_at((130, 512, 512), (3.0, 1.0, 1.0), (2.5, 4.0, 4.0)) == (156, 128, 128)
    assert shape_at((3, 2, 2), (1.0, 1.0, 1.0), (10.0, 10.0, 10.0)) == (1, 1, 1)


@pytest.mark.parametrize(("given", "wanted"), [(5, 5), (4, 11), (7, 8), (16, 4), (9, 4), (3, 1), (1, 6)])
def test_shares_of_a_voxel_add_up_to_one(given, wanted):
    weights = axis_weights(given, wanted)
    assert weights.shape == (wanted, given)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)


def test_up_is_linear_interpolation_between_centres():
    values = np.array([3.0, 7.0, -2.0, 5.0])
    # voxel edges at 0 and 12 mm: centres of the four at 1.5, 4.5, ...; of the twelve at 0.5, 1.5, ...
    expected = np.interp(np.arange(12) + 0.5, np.arange(4) * 3 + 1.5, values)
    np.testing.assert_allclose(axis_weights(4, 12) @ values, expected, rtol=1e-6)


def test_down_by_two_weighs_four_voxels():
    np.testing.assert_allclose(axis_weights(8, 4)[1], np.array([0, 1, 3, 3, 1, 0, 0, 0]) / 8, rtol=1e-6)


def test_the_same_grid_changes_nothing():
    image = np.random.default_rng(1).normal(size=(5, 6, 7)).astype(np.float32)
    np.testing.assert_array_equal(resample(image, (5, 6, 7)), image)
    np.testing.assert_array_equal(axis_weights(6, 6), np.eye(6))


def ranked_map(probabilities: np.ndarray) -> RankedMap:
    """The likeliest three of probabilities ``[z, y, x, class]``, by sorting all."""
    order = np.argsort(-probabilities, axis=-1, kind="stable")[..., :3]
    shares = np.take_along_axis(probabilities, order, axis=-1)
    return RankedMap(order.astype(np.uint8), shares.astype(np.float16), np.zeros(probabilities.shape[-1]))


def test_a_ramp_stays_a_ramp():
    z, y, x = np.meshgrid(np.arange(24) + 0.5, np.arange(32) + 0.5, np.arange(40) + 0.5, indexing="ij")
    found = resample((2 * z - y + 0.5 * x).astype(np.float32), (36, 8, 30))
    z, y, x = np.meshgrid(
        (np.arange(36) + 0.5) / 1.5, (np.arange(8) + 0.5) * 4, (np.arange(30) + 0.5) * 4 / 3, indexing="ij"
    )
    inner = np.s_[2:-2, 1:-1, 2:-2]
    np.testing.assert_allclose(found[inner], (2 * z - y + 0.5 * x)[inner], atol=0.02)


def test_what_is_finer_than_the_new_grid_is_averaged_out():
    stripes = np.tile(np.array([1000.0, -1000.0], np.float32), (8, 32, 16))
    assert np.abs(resample(stripes, (8, 8, 8))[:, :, 1:-1]).max() < 1e-2


@pytest.mark.parametrize("shape", [(6, 7, 8), (13, 20, 31), (4, 3, 5), (14, 3, 8)])
def test_organs_are_where_their_interpolated_lead_is_positive(shape):
    logits = np.random.default_rng(2).normal(size=(6, 7, 8, 3)) * 2
    probabilities = (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).astype(np.float16)
    leads = np.stack(
        [
            probabilities[..., c].astype(np.float32) - np.delete(probabilities, c, axis=-1).max(axis=-1)
            for c in range(3)
        ]
    )
    fine = np.stack([resample(lead, shape) for lead in leads])
    # no voxel is claimed twice, so no order of painting is needed
    assert (fine > 0).sum(axis=0).max() == 1
    expected = np.where((fine[1:] > 0).any(axis=0), (fine[1:] > 0).argmax(axis=0) + 1, 0)
    assert expected.any()
    np.testing.assert_array_equal(organ_labels(ranked_map(probabilities), shape), expected)


def test_on_the_same_grid_the_likeliest_class_wins():
    probabilities = np.random.default_rng(3).dirichlet(np.ones(5), size=(6, 7, 8)).astype(np.float16)
    found = organ_labels(ranked_map(probabilities), (6, 7, 8))
    np.testing.assert_array_equal(found, probabilities.argmax(axis=-1))


def test_an_absent_organ_gives_nothing():
    probabilities = np.zeros((4, 4, 4, 3), np.float32)
    probabilities[..., 0] = 1
    assert not organ_labels(ranked_map(probabilities), (8, 8, 8)).any()


def test_a_ball_comes_back_as_a_ball():
    z, y, x = np.mgrid[0:30, 0:24, 0:24]
    # voxels of 2 x 4 x 4 mm, radius 20 mm around the middle
    distance = np.sqrt(((z - 14.5) * 2) ** 2 + ((y - 11.5) * 4) ** 2 + ((x - 11.5) * 4) ** 2)
    inside = 1 / (1 + np.exp((distance - 20) / 2))
    labels = organ_labels(ranked_map(np.stack([1 - inside, inside], axis=-1)), (20, 96, 96))
    # back on voxels of 3 x 1 x 1 mm
    assert labels.sum() * 3.0 == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.03)
    z, y, x = np.mgrid[0:20, 0:96, 0:96]
    true = np.sqrt(((z - 9.5) * 3) ** 2 + (y - 47.5) ** 2 + (x - 47.5) ** 2) < 20
    assert 2 * (labels & true).sum() / (labels.sum() + true.sum()) > 0.96
    assert ndimage.label(labels)[1] == 1


@pytest.mark.parametrize("shape", [(6, 7, 8), (3, 4, 5), (12, 9, 20)])
def test_labels_get_the_value_with_the_largest_share(shape):
    labels = np.random.default_rng(5).integers(0, 4, (6, 7, 8)).astype(np.uint8) * 10
    shares = np.stack([resample((labels == value).astype(np.float32), shape) for value in (0, 10, 20, 30)])
    expected = shares.argmax(axis=0).astype(np.uint8) * 10
    clear = np.sort(shares, axis=0)[-1] - np.sort(shares, axis=0)[-2] > 1e-4
    found = resample_labels(labels, shape)
    np.testing.assert_array_equal(found[clear], expected[clear])
    assert clear.mean() > 0.5


def test_no_labels_stay_none():
    assert not resample_labels(np.zeros((4, 5, 6), np.uint8), (2, 3, 3)).any()
