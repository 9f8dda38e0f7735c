"""Mirroring and the exchange of sides."""

import numpy as np
import pytest
from numpy.typing import NDArray
from varied_head import VALUES

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Volume
from hnseg_train.recipes import STRUCTSEG
from hnseg_train.variation.mirror import exchange_table, mirror

Head = tuple[Volume, NDArray[np.uint8]]


def test_mirrored_twice_is_the_same(head: Head) -> None:
    ct, labels = mirror(*mirror(*head, organs=STRUCTSEG), organs=STRUCTSEG)
    np.testing.assert_array_equal(ct.array, head[0].array)
    np.testing.assert_array_equal(labels, head[1])


def test_left_eye_stays_left_where_the_image_is_mirrored(head: Head) -> None:
    ct, labels = mirror(*head, organs=STRUCTSEG)
    left, right = ((labels == VALUES[name]).nonzero()[2].mean() for name in ("eye_left", "eye_right"))
    # column 40 and 24 of 64 were swapped by the image, and again by the names
    assert (left, right) == (39, 23)
    # the ear, which only the left has, is on the right now
    assert head[0].array[34, 38, 54] == 0
    assert ct.array[34, 38, 63 - 54] == 0
    assert ct.array[34, 38, 54] == -1000


def test_every_pair_is_exchanged_and_nothing_else() -> None:
    table = exchange_table(STRUCTSEG)
    for value, name in STRUCTSEG:
        other = name.replace("_left", "_?").replace("_right", "_left").replace("_?", "_right")
        assert table[value] == VALUES[other]
    assert table[0] == 0


def test_tg263_names_pair_up() -> None:
    assert exchange_table(((4, "Parotid_L"), (9, "Parotid_R"), (7, "Brainstem")))[[4, 9, 7]].tolist() == [
        9,
        4,
        7,
    ]


def test_an_organ_of_one_side_cannot_be_mirrored(head: Head) -> None:
    with pytest.raises(InputError, match="eye_left has no other side"):
        mirror(*head, organs=tuple(row for row in STRUCTSEG if row[1] != "eye_right"))


def test_a_value_without_a_name_cannot_be_mirrored(head: Head) -> None:
    head[1][0, 0, 0] = 77
    with pytest.raises(InputError, match="77"):
        mirror(*head, organs=STRUCTSEG)
