"""All transformations together."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from varied_head import VALUES, grid

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Geometry, Volume
from hnseg_train.recipes import STRUCTSEG
from hnseg_train.variation import vary
from hnseg_train.variation.landmarks import head_centre

Head = tuple[Volume, NDArray[np.uint8]]


@pytest.mark.parametrize("seed", range(5))
def test_variants_are_patients(head: Head, seed: int) -> None:
    given = head[0].array.copy(), head[1].copy()
    ct, labels = vary(*head, STRUCTSEG, np.random.default_rng(seed))
    np.testing.assert_array_equal(head[0].array, given[0])
    np.testing.assert_array_equal(head[1], given[1])
    assert ct.array.dtype == np.float32
    assert labels.dtype == np.uint8
    assert labels.shape == ct.array.shape
    assert len(labels) >= 24
    assert ct.array.min() >= -1024
    assert ct.array.max() <= 3071
    assert set(np.unique(labels)) <= set(np.unique(given[1]))
    # labels lie on what they name: bone is denser than all else
    bone = np.isin(labels, [VALUES["mandible_left"], VALUES["mandible_right"]])
    assert np.median(ct.array[bone]) > 500
    # and left is the patient's left
    for organ in ("mandible", "eye"):
        sides = [labels == VALUES[f"{organ}_{side}"] for side in ("left", "right")]
        if all(side.any() for side in sides):
            left, right = (ndimage.center_of_mass(side)[2] for side in sides)
            assert left > right + 2


def test_equal_seeds_give_equal_bytes_and_others_do_not(head: Head) -> None:
    first, second, other = (vary(*head, STRUCTSEG, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first[0].geometry == second[0].geometry
    assert first[0].array.tobytes() == second[0].array.tobytes()
    assert first[1].tobytes() == second[1].tobytes()
    assert first[0].array.tobytes() != other[0].array.tobytes()


def test_mirroring_can_be_decided(head: Head) -> None:
    # the only ear is on the left of the given patient
    sides = {}
    for mirrored in (False, True):
        ct, labels = vary(*head, STRUCTSEG, np.random.default_rng(0), mirrored=mirrored)
        middle = head_centre(ct, labels)[2] / ct.geometry.spacing[0]
        width = (ct.array > -300).any(axis=0).nonzero()[1]
        sides[mirrored] = (width.max() - middle) - (middle - width.min())
    assert sides[False] > sides[True]


def test_unlabelled_and_empty_cts_are_varied_too(head: Head) -> None:
    nothing = np.zeros_like(head[1])
    empty = Volume(np.full_like(head[0].array, -1000), head[0].geometry)
    for given in (head[0], empty):
        for seed in range(3):
            ct, labels = vary(given, nothing, STRUCTSEG, np.random.default_rng(seed))
            assert not labels.any()
            assert len(ct.array) >= 24


def test_bad_input_is_refused(head: Head) -> None:
    ct, labels = head
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="shape"):
        vary(ct, labels[1:], STRUCTSEG, rng)
    with pytest.raises(InputError, match="uint8"):
        vary(ct, labels.astype(np.int16), STRUCTSEG, rng)  # type: ignore[arg-type]
    turned = Geometry(ct.geometry.shape, ct.geometry.spacing, (0, 0, 0), (-1, 0, 0, 0, -1, 0, 0, 0, 1))
    with pytest.raises(InputError, match="canonical"):
        vary(Volume(ct.array, turned), labels, STRUCTSEG, rng)


def test_organs_that_cannot_be_mirrored_are_refused_whatever_is_drawn(head: Head) -> None:
    one_sided = tuple(row for row in STRUCTSEG if row[1] != "lens_left")
    for seed in range(4):
        with pytest.raises(InputError, match="lens_right"):
            vary(*head, one_sided, np.random.default_rng(seed))
    vary(*head, one_sided, np.random.default_rng(0), mirrored=False)


def test_the_centre_is_that_of_the_organs_boxes() -> None:
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[2:5, 4:7, 6:9], labels[10:21, 10:13, 10:13] = 1, 2
    ct = Volume(np.zeros(labels.shape, np.float32), grid((30, 30, 30), (1.0, 2.0, 3.0)))
    assert head_centre(ct, labels) == (9 * 3.0, 8 * 2.0, 9 * 1.0)


def test_importing_it_does_not_import_torch() -> None:
    code = "import sys, hnseg_train.variation; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
