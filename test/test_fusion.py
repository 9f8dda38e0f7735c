"""Fusion of hand-drawn labels."""

import numpy as np
import pytest

from hnseg_infer.fusion import drop_strays, fuse


def row(*values: int) -> np.ndarray:
    return np.array([[values]], dtype=np.uint8)


def test_only_the_providers_own_voxels_count():
    labels = {"2d": row(1, 1, 2, 2, 0), "3d": row(0, 1, 1, 2, 2)}
    # organ 1 is the 2D model's, organ 2 the 3D model's: the other halves of both are ignored
    np.testing.assert_array_equal(fuse(labels, {1: "2d", 2: "3d"}), row(1, 1, 0, 2, 2))


def test_a_small_organ_is_not_hidden_by_a_large_one():
    labels = {"large": row(5, 5, 5, 5, 0), "small": row(0, 3, 0, 0, 0)}
    np.testing.assert_array_equal(fuse(labels, {5: "large", 3: "small"}), row(5, 3, 5, 5, 0))
    # whichever id or model comes first
    swapped = {"small": row(0, 9, 0, 0, 0), "large": row(5, 5, 5, 5, 0)}
    np.testing.assert_array_equal(fuse(swapped, {9: "small", 5: "large"}), row(5, 9, 5, 5, 0))


def test_ties_go_to_the_higher_id_which_is_painted_last():
    labels = {"a": row(4, 4, 0), "b": row(0, 7, 7)}
    np.testing.assert_array_equal(fuse(labels, {4: "a", 7: "b"}), row(4, 7, 7))
    np.testing.assert_array_equal(fuse(labels, {7: "b", 4: "a"}), row(4, 7, 7))


def test_sizes_are_the_providers_predictions_not_what_is_left_of_them():
    # 1 has 4 voxels, 2 has 3, 3 has 1: painted 1, 2, 3
    labels = {"a": row(1, 1, 1, 1), "b": row(0, 2, 2, 2), "c": row(0, 0, 0, 3)}
    np.testing.assert_array_equal(fuse(labels, {1: "a", 2: "b", 3: "c"}), row(1, 2, 2, 3))


def test_strays_give_their_voxels_back():
    provider = {6: "a", 8: "b"}
    lone = {"a": row(6, 6, 0, 6, 0), "b": row(8, 8, 8, 8, 8)}
    np.testing.assert_array_equal(fuse(lone, provider), row(6, 6, 8, 6, 8))
    kept = drop_strays(lone, provider, {6}, (1.0, 1.0, 20.0))
    np.testing.assert_array_equal(fuse(kept, provider), row(6, 6, 8, 8, 8))
    # 8's provider loses nothing, whatever is said of 6
    assert kept["b"] is lone["b"]
    # what was passed in is as it was
    np.testing.assert_array_equal(lone["a"], row(6, 6, 0, 6, 0))


def test_equals_painting_one_organ_after_the_other():
    rng = np.random.default_rng(1)
    ids = [int(value) for value in rng.choice(np.arange(1, 256), size=40, replace=False)]
    labels = {name: rng.choice([0, *ids], size=(5, 20, 20)).astype(np.uint8) for name in "abc"}
    provider = {organ: str(rng.choice(list("abc"))) for organ in ids}
    expected = np.zeros((5, 20, 20), dtype=np.uint8)
    for organ in sorted(ids, key=lambda value: (-(labels[provider[value]] == value).sum(), value)):
        expected[labels[provider[organ]] == organ] = organ
    np.testing.assert_array_equal(fuse(labels, provider), expected)


def test_ids_up_to_255_and_empty_labels():
    np.testing.assert_array_equal(fuse({"a": row(255, 0)}, {255: "a", 1: "a"}), row(255, 0))
    np.testing.assert_array_equal(fuse({"a": row(0, 0)}, {1: "a"}), row(0, 0))


def test_a_provider_without_labels_is_an_error():
    with pytest.raises(KeyError):
        fuse({"a": row(1)}, {1: "b"})
