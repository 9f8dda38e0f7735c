"""Pieces of masks, against scipy's labelling of the whole grid."""

import numpy as np
import pytest
from scipy import ndimage

from hnseg_infer import pieces as module
from hnseg_infer.pieces import STRAY_MM, pieces, remove_strays


@pytest.mark.parametrize("dense", [0, 10**6], ids=["by voxels", "by boxes"])
@pytest.mark.parametrize("seed", range(12))
def test_pieces_are_those_of_the_whole_grid(seed: int, dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DENSE", dense)
    random = np.random.default_rng(seed)
    mask = random.random(random.integers(1, 12, 3)) < random.choice([0.05, 0.15, 0.3])
    mask[0, 0, 0] = True
    expected, number = ndimage.label(mask, np.ones((3, 3, 3)))
    places = np.nonzero(mask)
    found, piece = pieces(places, mask.shape)
    assert found == number
    # the same division, however the pieces are numbered
    assert len(set(zip(expected[places].tolist(), piece.tolist(), strict=True))) == number


def test_the_end_of_a_row_does_not_touch_the_next_rows_start() -> None:
    labels = np.zeros((3, 40, 40), np.uint8)
    labels[1, 5, 39] = labels[1, 7, 0] = 1
    assert pieces(np.nonzero(labels), labels.shape)[0] == 2


def test_only_the_named_organs_lose_what_lies_apart() -> None:
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[2:5, 2:5, 2:5] = 3
    labels[5, 5, 5] = 3
    labels[30, 30, 30:32] = 3
    labels[10, 10, 10:13] = 4
    labels[39, 10, 10] = 4
    kept = remove_strays(labels, [3, 9], (3.0, 1.0, 1.0))
    assert (kept == 3).sum() == 28
    assert not kept[30].any()
    assert (kept == 4).sum() == 4
    assert labels[30, 30, 30] == 3


def test_a_piece_stays_when_any_part_of_it_is_near() -> None:
    labels = np.zeros((60, 4, 4), np.uint8)
    labels[0:5, 0, 0] = 1
    # 30 mm from the largest piece, and on to 87 mm
    labels[14:18, 0, 0], labels[33, 0, 0] = 1, 1
    kept = remove_strays(labels, [1], (3.0, 1.0, 1.0))
    np.testing.assert_array_equal(np.nonzero(kept[:, 0, 0])[0], [*range(5), *range(14, 18)])
    # a hair farther, and it goes
    assert not remove_strays(labels, [1], (3.001, 1.0, 1.0))[5:].any()


@pytest.mark.parametrize("seed", range(5))
def test_strays_are_those_whose_nearest_voxel_is_far(seed: int) -> None:
    spacing = (3.0, 1.5, 1.0)
    labels = (np.random.default_rng(seed).random((30, 40, 50)) < 0.002).astype(np.uint8)
    labels[3:6, 5:9, 5:9] = 1
    parts, number = ndimage.label(labels, np.ones((3, 3, 3)))
    largest = parts == parts[4, 6, 6]
    distance = ndimage.distance_transform_edt(~largest, sampling=spacing)
    expected = np.zeros_like(labels)
    for part in range(1, number + 1):
        if distance[parts == part].min() <= STRAY_MM:
            expected[parts == part] = 1
    assert 0 < np.count_nonzero(expected) < np.count_nonzero(labels)
    np.testing.assert_array_equal(remove_strays(labels, [1], spacing), expected)


def with_a_false_ear(far: int) -> np.ndarray:
    """Four organs in a head, one of them with a second piece of so many voxels in an arm."""
    labels = np.zeros((20, 40, 90), np.uint8)
    labels[10, 20, 10:16], labels[12, 24, 10:16], labels[8, 22, 12:18] = 1, 2, 3
    labels[10, 16, 10:14] = 4
    labels[4, 4, 70 : 70 + far] = 4
    return labels


@pytest.mark.parametrize(("far", "kept"), [(2, "near"), (7, "near"), (8, "near"), (9, "far")])
def test_of_two_large_pieces_the_one_among_the_other_organs_stays(far: int, kept: str) -> None:
    labels = with_a_false_ear(far)
    found = remove_strays(labels, [1, 2, 3, 4], (3.0, 1.0, 1.0)) == 4
    # four voxels are half of eight
    assert found[10, 16, 10:14].all() == (kept == "near")
    assert found[4].any() == (kept == "far")


def test_two_organs_do_not_tell_where_a_third_is() -> None:
    labels = with_a_false_ear(7)
    labels[(labels == 2) | (labels == 3)] = 0
    assert not (remove_strays(labels, [1, 4], (3.0, 1.0, 1.0)) == 4)[10].any()
