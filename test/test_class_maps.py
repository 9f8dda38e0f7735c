"""The likeliest classes against sorting every voxel's classes; entropies against scipy's."""

import numpy as np
import pytest
from scipy import special

from hnseg_infer.class_maps import RANKS, entropy_map, ranked


@pytest.mark.parametrize("classes", [2, 7, 23])
@pytest.mark.parametrize("times", [None, 0.25])
def test_ranks_are_those_of_a_sort_and_of_equal_classes_the_first(classes: int, times: float | None) -> None:
    # rounded, so that many are equal; no class leads by so much that it is beyond doubt
    logits = np.random.default_rng(4).normal(size=(3, 8, 9, classes)).round(1).astype(np.float32)
    covered = None if times is None else np.full(logits.shape[:-1], times, np.float32)
    found, probabilities = ranked(logits if covered is None else logits * covered[..., None], covered)
    order = np.argsort(-logits, axis=-1, kind="stable")[..., :RANKS]
    np.testing.assert_array_equal(found, order)
    expected = np.take_along_axis(special.softmax(logits.astype(float), axis=-1), order, axis=-1)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-3)


def test_background_beyond_doubt_is_not_ranked() -> None:
    logits = np.array([[[[20.0, 1.0, 2.0, 3.0]]]], np.float32)
    found, probabilities = ranked(logits)
    assert found.tolist() == [[[[0, 0, 0]]]]
    assert probabilities.tolist() == [[[[1.0, 0.0, 0.0]]]]


@pytest.mark.parametrize("times", [None, 0.25])
def test_entropies_are_scipys_and_those_of_background_are_not_worked_out(times: float | None) -> None:
    # large enough that some classes' shares are 0 in single precision
    logits = 40 * np.random.default_rng(6).normal(size=(3, 8, 9, 5)).astype(np.float32)
    labels = logits.argmax(axis=-1).astype(np.uint8)
    covered = None if times is None else np.full(labels.shape, times, np.float32)
    found = entropy_map(logits if covered is None else logits * covered[..., None], labels, covered)
    expected = special.entr(special.softmax(logits.astype(float), axis=-1)).sum(axis=-1) / np.log(2)
    np.testing.assert_array_equal(np.isnan(found), labels == 0)
    np.testing.assert_allclose(found[labels > 0], expected[labels > 0], rtol=1e-3, atol=1e-6)


def test_of_very_many_voxels_every_third_is_asked() -> None:
    labels = np.ones((1, 250, 200), np.uint8)
    found = entropy_map(np.zeros((*labels.shape, 4), np.float32), labels)
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(found)), np.arange(0, labels.size, 3))
    assert np.nanmin(found) == np.nanmax(found) == 2
