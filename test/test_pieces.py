"""Pieces of masks, against scipy's labelling of the whole grid."""

import numpy as np
import pytest
from scipy import ndimage

from hnseg_infer import pieces as module
from hnseg_infer.pieces import largest_pieces, pieces


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
    labels[20, 10, 10] = 4
    kept = largest_pieces(labels, [3, 9])
    assert (kept == 3).sum() == 28
    assert not kept[30].any()
    assert (kept == 4).sum() == 4
    assert labels[30, 30, 30] == 3
