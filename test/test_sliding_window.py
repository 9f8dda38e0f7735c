"""Tiles, weights and padding against nnU-Net's own functions; accumulation against a plain one in float64."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_network import PlainNetwork

from hnseg_infer.sliding_window import class_probabilities, label_tiles
from hnseg_infer.tiling import gaussian_weights, pad_to_patch, tile_starts


def place_dependent(classes: int):
    """A random mixing of a voxel's value and its place in the tile: tiles disagree where they meet."""
    mixing = np.random.default_rng(5).normal(size=(classes, 4)).astype(np.float32)

    def network(tile: NDArray[np.float32]) -> NDArray[np.float32]:
        places = np.meshgrid(
            *(np.linspace(-1, 1, size, dtype=np.float32) for size in tile.shape), indexing="ij"
        )
        return np.einsum("ck,kzyx->czyx", mixing, np.stack((tile, *places)))

    return network


def reference_labels(network, image: NDArray[np.float32], patch: tuple[int, int, int], classes: int):
    """The whole accumulator in float64, one tile after the other, padding by numpy."""
    missing = [max(p - s, 0) for p, s in zip(patch, image.shape, strict=True)]
    padded = np.pad(image, [(m // 2, m - m // 2) for m in missing])
    sums = np.zeros((classes, *padded.shape))
    weights = gaussian_weights(patch).astype(np.float64)
    for z in tile_starts(padded.shape[0], patch[0]):
        for y in tile_starts(padded.shape[1], patch[1]):
            for x in tile_starts(padded.shape[2], patch[2]):
                box = np.s_[z : z + patch[0], y : y + patch[1], x : x + patch[2]]
                sums[(slice(None), *box)] += network(padded[box]) * weights
    inner = tuple(slice(m // 2, m // 2 + s) for m, s in zip(missing, image.shape, strict=True))
    return sums.argmax(axis=0)[inner]


def test_starts_by_hand():
    # 110 voxels, tiles of 64, at most 32 apart: two steps of 23 (the example in nnU-Net's source)
    assert tile_starts(110, 64) == [0, 23, 46]
    assert tile_starts(64, 64) == [0]
    assert tile_starts(65, 64) == [0, 1]


def test_starts_are_nnunets():
    from nnunetv2.inference import sliding_window_prediction as nnunet

    for tile in (1, 7, 16, 32, 33, 256, 512):
        for extent in {tile, tile + 1, tile + tile // 2, 2 * tile, 3 * tile - 1, 456 + tile, 719 + tile}:
            (expected,) = nnunet.compute_steps_for_sliding_window((extent,), (tile,), 0.5)
            assert tile_starts(extent, tile) == expected, (extent, tile)


@pytest.mark.parametrize("patch", [(512, 512), (32, 256, 256), (16, 64, 64), (5, 7)])
def test_weights_are_nnunets(patch):
    from nnunetv2.inference import sliding_window_prediction as nnunet

    expected = nnunet.compute_gaussian(
        patch, 1 / 8, 10, dtype=torch.float32, device=torch.device("cpu")
    ).numpy()
    ours = gaussian_weights(patch)
    assert ours.min() > 0
    # the tail is where single precision underflows; it weighs nothing
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 20, 70), (16, 64, 64), (17, 63, 64)])
def test_padding_is_nnunets(shape):
    from acvl_utils.cropping_and_padding import padding

    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    expected, slicer = padding.pad_nd_image(
        torch.from_numpy(image), (16, 64, 64), "constant", {"value": 0}, True, None
    )
    padded, inner = pad_to_patch(image, (16, 64, 64))
    np.testing.assert_array_equal(padded, expected.numpy())
    np.testing.assert_array_equal(padded[inner], image)
    assert tuple(slicer) == inner


@pytest.mark.parametrize(
    "shape",
    [
        (40, 19, 23),  # several tiles along every axis
        (41, 16, 16),  # along z only
        (8, 30, 16),  # along y only
        (8, 16, 16),  # one tile
        (3, 30, 9),  # padded along two axes
    ],
)
def test_labels_equal_a_plain_accumulation(shape):
    image = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    network = place_dependent(5)
    labels = label_tiles(PlainNetwork(network, (8, 16, 16)), image, (8, 16, 16), 5)
    expected = reference_labels(network, image, (8, 16, 16), 5)
    assert labels.dtype == np.uint8
    assert len(np.unique(expected)) == 5
    # single precision may break a near-tie the other way
    assert (labels == expected).mean() > 0.9999


@pytest.mark.parametrize("shape", [(6, 16, 16), (6, 40, 20), (1, 10, 40)])
def test_2d_models_see_one_slice_at_a_time(shape):
    image = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    network = place_dependent(4)
    labels = label_tiles(PlainNetwork(network, (16, 16)), image, (16, 16), 4)
    for index in range(shape[0]):
        alone = reference_labels(network, image[index : index + 1], (1, 16, 16), 4)
        assert (labels[index] == alone[0]).mean() > 0.999


def test_views_with_gaps_are_accepted():
    image = np.random.default_rng(5).normal(size=(16, 40, 40)).astype(np.float32)
    network = PlainNetwork(place_dependent(3), (8, 16, 16))
    window = image[2:12, ::-1, 5:30]
    expected = label_tiles(network, window.copy(), (8, 16, 16), 3)
    np.testing.assert_array_equal(label_tiles(network, window, (8, 16, 16), 3), expected)


@pytest.mark.parametrize(
    ("shape", "patch", "region", "tiles"),
    [
        # z starts 0, 4, ..., 32: those from 8 (planes 8-15) to 16 (16-23) touch planes 12 to 17
        ((40, 16, 16), (8, 16, 16), np.s_[12:18, 0:16, 0:16], 3),
        # y starts 0, 8, 16, 24: rows 30 and 31 are in the last two; x starts 0 and 4
        ((8, 40, 20), (8, 16, 16), np.s_[0:8, 30:32, 0:20], 2 * 2),
        ((6, 16, 16), (16, 16), np.s_[2:5, 4:9, 0:16], 3),
        # padded by 3 before and 2 behind along z
        ((3, 16, 16), (8, 16, 16), np.s_[1:2, 0:16, 0:16], 1),
        ((6, 40, 20), (16, 16), np.s_[3:3, 0:40, 0:20], 0),
    ],
)
def test_a_region_saves_tiles_and_changes_nothing_inside(shape, patch, region, tiles):
    image = np.random.default_rng(6).normal(size=shape).astype(np.float32)
    everywhere = label_tiles(PlainNetwork(place_dependent(4), patch), image, patch, 4)
    network = PlainNetwork(place_dependent(4), patch)
    calls = []
    labels = label_tiles(network, image, patch, 4, region, lambda *call: calls.append(call))
    assert network.seen == tiles
    assert calls == [(done, tiles) for done in range(tiles + 1)]
    np.testing.assert_array_equal(labels[region], everywhere[region])
    labels[region] = 0
    assert not labels.any()


@pytest.mark.parametrize(
    ("shape", "patch"), [((20, 19, 23), (8, 16, 16)), ((3, 30, 9), (8, 16, 16)), ((4, 20, 16), (16, 16))]
)
def test_probabilities_have_the_labels_as_their_largest(shape, patch):
    image = np.random.default_rng(8).normal(size=shape).astype(np.float32)
    found = class_probabilities(PlainNetwork(place_dependent(5), patch), image, patch, 5)
    assert found.shape == (*shape, 5)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)
    labels = label_tiles(PlainNetwork(place_dependent(5), patch), image, patch, 5)
    assert (found.argmax(axis=-1) == labels).mean() > 0.9999


def test_probabilities_are_the_softmax_of_averaged_logits():
    # logits that depend on the voxel alone: averaging over tiles changes nothing
    image = np.random.default_rng(9).normal(size=(20, 19, 23)).astype(np.float32)
    network = PlainNetwork(lambda tile: np.stack([0 * tile, tile, -2 * tile]), (8, 16, 16))
    found = class_probabilities(network, image, (8, 16, 16), 3)
    powers = np.exp(np.stack([0 * image, image, -2 * image], axis=-1))
    np.testing.assert_allclose(found, powers / powers.sum(axis=-1, keepdims=True), rtol=1e-4)


def test_outside_the_region_all_is_background():
    image = np.random.default_rng(10).normal(size=(40, 16, 16)).astype(np.float32)
    region = np.s_[12:18, 0:16, 0:16]
    everywhere = class_probabilities(PlainNetwork(place_dependent(3), (8, 16, 16)), image, (8, 16, 16), 3)
    network, calls = PlainNetwork(place_dependent(3), (8, 16, 16)), []
    found = class_probabilities(network, image, (8, 16, 16), 3, region, lambda *call: calls.append(call))
    assert network.seen == 3
    assert calls == [(done, 3) for done in range(4)]
    np.testing.assert_allclose(found[region], everywhere[region], rtol=1e-6)
    assert (found[:12, ..., 0] == 1).all()
    assert (found[18:, ..., 1:] == 0).all()
    nothing = class_probabilities(network, image, (8, 16, 16), 3, np.s_[5:5, 0:16, 0:16])
    assert (nothing[..., 0] == 1).all()
