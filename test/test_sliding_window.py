"""Tiles, weights and padding against nnU-Net's own functions; accumulation against a plain one in float64,
entropies and ranks against all probabilities."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_network import PlainNetwork

from hnseg_infer import class_maps
from hnseg_infer.sliding_window import label_tiles, rank_tiles
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


def reference_logits(network, image: NDArray[np.float32], patch: tuple[int, int, int], classes: int):
    """The whole accumulator ``[class, z, y, x]`` in float64, tile after tile, padding by numpy; averaged."""
    missing = [max(p - s, 0) for p, s in zip(patch, image.shape, strict=True)]
    padded = np.pad(image, [(m // 2, m - m // 2) for m in missing])
    sums, covered = np.zeros((classes, *padded.shape)), np.zeros(padded.shape)
    weights = gaussian_weights(patch).astype(np.float64)
    for z in tile_starts(padded.shape[0], patch[0]):
        for y in tile_starts(padded.shape[1], patch[1]):
            for x in tile_starts(padded.shape[2], patch[2]):
                box = np.s_[z : z + patch[0], y : y + patch[1], x : x + patch[2]]
                sums[(slice(None), *box)] += network(padded[box]) * weights
                covered[box] += weights
    inner = tuple(slice(m // 2, m // 2 + s) for m, s in zip(missing, image.shape, strict=True))
    return (sums / covered)[(slice(None), *inner)]


def reference_labels(network, image: NDArray[np.float32], patch: tuple[int, int, int], classes: int):
    return reference_logits(network, image, patch, classes).argmax(axis=0)


def reference_shares(network, image: NDArray[np.float32], patch: tuple[int, int, int], classes: int):
    """Class probabilities ``[class, z, y, x]``."""
    powers = np.exp(reference_logits(network, image, patch, classes))
    return powers / powers.sum(axis=0)


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
    labels = label_tiles(PlainNetwork(network, (8, 16, 16)), image, (8, 16, 16), 5).labels
    expected = reference_labels(network, image, (8, 16, 16), 5)
    assert labels.dtype == np.uint8
    assert len(np.unique(expected)) == 5
    # single precision may break a near-tie the other way
    assert (labels == expected).mean() > 0.9999


@pytest.mark.parametrize("shape", [(6, 16, 16), (6, 40, 20), (1, 10, 40)])
def test_2d_models_see_one_slice_at_a_time(shape):
    image = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    network = place_dependent(4)
    labels = label_tiles(PlainNetwork(network, (16, 16)), image, (16, 16), 4).labels
    for index in range(shape[0]):
        alone = reference_labels(network, image[index : index + 1], (1, 16, 16), 4)
        assert (labels[index] == alone[0]).mean() > 0.999


def test_views_with_gaps_are_accepted():
    image = np.random.default_rng(5).normal(size=(16, 40, 40)).astype(np.float32)
    network = PlainNetwork(place_dependent(3), (8, 16, 16))
    window = image[2:12, ::-1, 5:30]
    expected = label_tiles(network, window.copy(), (8, 16, 16), 3).labels
    np.testing.assert_array_equal(label_tiles(network, window, (8, 16, 16), 3).labels, expected)


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
    everywhere = label_tiles(PlainNetwork(place_dependent(4), patch), image, patch, 4).labels
    network = PlainNetwork(place_dependent(4), patch)
    calls = []
    labels = label_tiles(network, image, patch, 4, region, lambda *call: calls.append(call)).labels
    assert network.seen == tiles
    assert calls == [(done, tiles) for done in range(tiles + 1)]
    np.testing.assert_array_equal(labels[region], everywhere[region])
    labels[region] = 0
    assert not labels.any()


SHAPES = [((20, 19, 23), (8, 16, 16)), ((3, 30, 9), (8, 16, 16)), ((8, 16, 16), (8, 16, 16))]


@pytest.mark.parametrize(("shape", "patch"), [*SHAPES, ((4, 20, 16), (1, 16, 16)), ((4, 9, 16), (1, 16, 16))])
def test_entropies_are_the_means_over_each_class(shape, patch):
    image = np.random.default_rng(8).normal(size=shape).astype(np.float32)
    network, model_patch = place_dependent(5), patch if patch[0] > 1 else patch[1:]
    found = label_tiles(PlainNetwork(network, model_patch), image, model_patch, 5)
    ranked = rank_tiles(PlainNetwork(network, model_patch), image, model_patch, 5)
    shares = reference_shares(network, image, patch, 5)
    bits = -(shares * np.log2(shares)).sum(axis=0)
    labels = shares.argmax(axis=0)
    counts = [np.count_nonzero(labels == value) for value in range(5)]
    sums = [bits[labels == value].sum() for value in range(5)]
    expected = [np.nan] + [sums[value] / counts[value] if counts[value] else np.nan for value in range(1, 5)]
    assert bits.max() > 1 > bits.min()
    np.testing.assert_allclose(found.entropy, expected, rtol=2e-3)
    np.testing.assert_allclose(ranked.entropy, expected, rtol=2e-3)


@pytest.mark.parametrize(("shape", "patch"), [*SHAPES, ((4, 20, 16), (1, 16, 16))])
def test_ranks_are_the_likeliest_classes(shape, patch):
    image = np.random.default_rng(8).normal(size=shape).astype(np.float32)
    network, model_patch = place_dependent(5), patch if patch[0] > 1 else patch[1:]
    found = rank_tiles(PlainNetwork(network, model_patch), image, model_patch, 5)
    shares = np.moveaxis(reference_shares(network, image, patch, 5), 0, -1)
    assert found.classes.shape == found.probabilities.shape == (*shape, 3)
    # what is as good as certain may stand alone
    sure = shares[..., 0] / shares[..., 1:].max(axis=-1) >= 9000
    order = np.argsort(-shares, axis=-1)[..., :3]
    assert (found.classes[~sure] == order[~sure]).mean() > 0.9999
    expected = np.take_along_axis(shares, order, axis=-1)
    np.testing.assert_allclose(found.probabilities.astype(float), expected, atol=2e-3)


def test_of_very_many_voxels_some_are_asked(monkeypatch):
    image = np.random.default_rng(8).normal(size=(8, 16, 16)).astype(np.float32)
    network = PlainNetwork(lambda tile: np.stack([tile - 9, tile, -tile]), (8, 16, 16))
    every = label_tiles(network, image, (8, 16, 16), 3)
    monkeypatch.setattr(class_maps, "MOST_ASKED", 50)
    some = label_tiles(network, image, (8, 16, 16), 3)
    np.testing.assert_array_equal(some.labels, every.labels)
    np.testing.assert_allclose(some.entropy, every.entropy, rtol=0.1)
    assert some.entropy[1] != every.entropy[1]


def test_two_classes_have_two_ranks():
    image = np.random.default_rng(9).normal(size=(8, 16, 16)).astype(np.float32)
    network = PlainNetwork(lambda tile: np.stack([0 * tile, tile]), (8, 16, 16))
    found = rank_tiles(network, image, (8, 16, 16), 2)
    np.testing.assert_array_equal(found.classes, np.stack([image > 0, image <= 0], axis=-1))


def test_beyond_doubt_is_background_alone():
    image = np.random.default_rng(9).normal(size=(8, 16, 16)).astype(np.float32)
    network = PlainNetwork(lambda tile: np.stack([20 + 0 * tile, tile, -tile]), (8, 16, 16))
    found = rank_tiles(network, image, (8, 16, 16), 3)
    assert not found.classes.any()
    assert (found.probabilities == [1, 0, 0]).all()
    assert np.isnan(found.entropy).all()


def test_outside_the_region_all_is_background():
    image = np.random.default_rng(10).normal(size=(40, 16, 16)).astype(np.float32)
    region = np.s_[12:18, 0:16, 0:16]
    everywhere = rank_tiles(PlainNetwork(place_dependent(3), (8, 16, 16)), image, (8, 16, 16), 3)
    network, calls = PlainNetwork(place_dependent(3), (8, 16, 16)), []
    found = rank_tiles(network, image, (8, 16, 16), 3, region, lambda *call: calls.append(call))
    assert network.seen == 3
    assert calls == [(done, 3) for done in range(4)]
    np.testing.assert_array_equal(found.classes[region], everywhere.classes[region])
    np.testing.assert_array_equal(found.probabilities[region], everywhere.probabilities[region])
    assert (found.probabilities[:12] == [1, 0, 0]).all()
    assert not found.classes[18:].any()
    nothing = rank_tiles(network, image, (8, 16, 16), 3, np.s_[5:5, 0:16, 0:16])
    assert (nothing.probabilities == [1, 0, 0]).all()
