"""Fillings and their streaks."""

import numpy as np
from numpy.typing import NDArray
from varied_head import VALUES

from hnseg_infer.volume import Volume
from hnseg_train.recipes import STRUCTSEG
from hnseg_train.variation.metal import Fillings, add_fillings, sample_fillings

Head = tuple[Volume, NDArray[np.uint8]]

TWO = Fillings(((4.0, 5.0, 5.0), (4.0, 5.0, 5.0)), seed=5)


def test_metal_is_in_teeth_and_streaks_in_its_slices(head: Head) -> None:
    ct, labels = head
    filled = add_fillings(ct, labels, organs=STRUCTSEG, fillings=TWO).array
    metal = np.argwhere(filled >= 3071)
    assert len(metal) >= 3
    teeth = np.argwhere(ct.array == 2200)
    # 5 mm are 1.25 voxels
    distances = np.abs(metal[:, None] - teeth[None]).max(axis=2).min(axis=1)
    assert distances.max() <= 1
    changed = np.flatnonzero((filled != ct.array).any(axis=(1, 2)))
    assert changed.tolist() == sorted(set(metal[:, 0].tolist()))
    # a slice with a tip of one voxel has no streaks
    plane = np.bincount(metal[:, 0]).argmax()
    tissue = (ct.array[plane] > -800) & (filled[plane] < 3071)
    assert (filled - ct.array)[plane][tissue].std() > 20
    assert filled.max() == 3071


def test_without_a_mandible_nothing_changes(head: Head) -> None:
    ct, labels = head
    for name in ("mandible_left", "mandible_right"):
        labels[labels == VALUES[name]] = 0
    assert add_fillings(ct, labels, organs=STRUCTSEG, fillings=TWO) is ct


def test_without_teeth_nothing_changes(head: Head) -> None:
    ct, labels = head
    toothless = Volume(np.minimum(ct.array, 1000), ct.geometry)
    assert add_fillings(toothless, labels, organs=STRUCTSEG, fillings=TWO) is toothless


def test_one_to_four_pieces_are_drawn() -> None:
    rng = np.random.default_rng(0)
    assert {len(sample_fillings(rng).radii) for _ in range(100)} == {1, 2, 3, 4}
