"""The couch taken away, another one and a mask put there."""

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Volume
from hnseg_train.phantom.scanner import sample_scanner
from hnseg_train.recipes import STRUCTSEG
from hnseg_train.variation.support import Support, add_other_support, remove_support

Head = tuple[Volume, NDArray[np.uint8]]


def test_only_the_couch_goes(head: Head) -> None:
    ct, _ = head
    couch = ct.array == -400
    bare = remove_support(ct).array
    assert couch.any()
    # next to the skin a little may stay
    assert (bare[couch] == -1000).mean() > 0.9
    np.testing.assert_array_equal(bare[~couch], ct.array[~couch])
    assert bare[34, 38, 54] == 0


def test_air_alone_stays_as_it_is(head: Head) -> None:
    air = Volume(np.full_like(head[0].array, -1000), head[0].geometry)
    assert remove_support(air) is air


def test_support_lies_behind_and_leaves_the_patient_alone(head: Head) -> None:
    ct, labels = head
    bare = remove_support(ct)
    support = Support(sample_scanner(np.random.default_rng(0)), None)
    placed = add_other_support(bare, labels, organs=STRUCTSEG, support=support).array
    body = bare.array > -250
    np.testing.assert_array_equal(placed[body], bare.array[body])
    new = np.argwhere((placed > -900) & ~body)
    assert len(new) > 100
    # a rest holds the head from the sides too
    assert new[:, 1].mean() > 50 > np.argwhere(body)[:, 1].mean() + 10


def test_shell_is_in_the_air_in_front_of_the_skin(head: Head) -> None:
    ct, labels = head
    bare = remove_support(ct)
    # 4 to 10 mm from the skin, on pixels of 4 mm
    masked = add_other_support(bare, labels, organs=STRUCTSEG, support=Support(None, (2.0, 6.0, -300.0)))
    added = np.argwhere(masked.array != bare.array)
    assert len(added) > 100
    assert (masked.array[tuple(added.T)] == -300).all()
    assert (bare.array[tuple(added.T)] < -250).all()
    # only in front of the middle of the body
    assert added[:, 1].max() < 40


def test_nothing_drawn_changes_nothing(head: Head) -> None:
    same = add_other_support(*head, organs=STRUCTSEG, support=Support(None, None))
    np.testing.assert_array_equal(same.array, head[0].array)
