"""Scores against values counted by hand, against a k-d tree, and on masks with nothing to measure."""

import math

import numpy as np
import pytest
from grand_challenge_metrics.stats import percentile_hausdorff_distance
from scipy.spatial import cKDTree

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Geometry, Volume, from_canonical
from hnseg_train.evaluation.metrics import OrganScore, score_case

SPACING = (1.0, 1.5, 3.0)
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def volume(array, spacing=SPACING, origin=(0.0, 0.0, 0.0), direction=IDENTITY):
    return Volume(array.astype(np.uint8), Geometry(array.shape, spacing, origin, direction))


def cube(at, size=10, shape=(24, 24, 24)):
    array = np.zeros(shape, np.uint8)
    z, y, x = at
    array[z : z + size, y : y + size, x : x + size] = 1
    return array


def score(prediction, reference, organs=None) -> OrganScore:
    (only,) = score_case(volume(prediction), volume(reference), organs or {1: "brain_stem"})
    return only


@pytest.mark.parametrize(("axis", "mm"), [(0, 3.0), (1, 1.5), (2, 1.0)])
@pytest.mark.parametrize("voxels", [1, 2])
def test_shifted_cube(axis, mm, voxels):
    # A 10^3 cube has 488 surface voxels; the 100 of the face that the shift leaves behind lie one shift away
    # from the other cube and none lies further, so the 95th percentile is the shift.
    at = [5, 5, 5]
    at[axis] += voxels
    result = score(cube(at), cube((5, 5, 5)))
    assert result.dsc == pytest.approx((10 - voxels) / 10)
    assert result.hd95_mm == pytest.approx(voxels * mm)


def test_one_stray_voxel_does_not_move_the_percentile():
    prediction = cube((5, 5, 5))
    prediction[23, 23, 23] = 1
    result = score(prediction, cube((5, 5, 5)))
    assert result.dsc == pytest.approx(2000 / 2001)
    assert result.hd95_mm == 0.0


def test_two_single_voxels():
    prediction, reference = np.zeros((2, 9, 9, 9), np.uint8)
    prediction[1, 2, 3] = 1
    reference[3, 2, 7] = 1
    result = score(prediction, reference)
    assert result.dsc == 0.0
    assert result.hd95_mm == pytest.approx(math.hypot(2 * 3.0, 4 * 1.0))
    assert not result.missed


def blobs(seed, shape=(20, 26, 30)):
    noise = np.random.default_rng(seed).normal(size=shape)
    z, y, x = np.indices(shape)
    return ((z - 10) ** 2 / 30 + (y - 13) ** 2 / 60 + (x - 15) ** 2 / 80 + 0.6 * noise) < 1.0


def surface_mm(mask):
    """Centres in mm of the mask's voxels that have a face neighbour outside it."""
    padded = np.pad(mask, 1)
    inner = mask.copy()
    for axis in range(3):
        for step in (-1, 1):
            inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    return np.argwhere(mask & ~inner) * SPACING[::-1]


@pytest.mark.parametrize("seed", range(4))
def test_hd95_against_a_tree_and_the_uncropped_library(seed):
    prediction, reference = blobs(seed), blobs(seed + 100)
    directed = []
    for one, other in ((prediction, reference), (reference, prediction)):
        distances = np.sort(cKDTree(surface_mm(other)).query(surface_mm(one))[0])
        directed.append(distances[int(0.95 * (len(distances) - 1))])
    result = score(prediction, reference)
    assert result.hd95_mm == pytest.approx(max(directed), abs=1e-9)
    assert result.hd95_mm == percentile_hausdorff_distance(prediction, reference, 0.95, SPACING[::-1])
    both = np.count_nonzero(prediction & reference)
    assert result.dsc == pytest.approx(2 * both / (prediction.sum() + reference.sum()), abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_mask_that_fills_the_image():
    full = np.ones((4, 5, 6), np.uint8)
    result = score(full, full)
    assert (result.dsc, result.hd95_mm) == (1.0, 0.0)


def test_absent_organs():
    empty, present = np.zeros((24, 24, 24), np.uint8), cube((5, 5, 5))
    missed, invented, neither = score(empty, present), score(present, empty), score(empty, empty)
    assert (missed.dsc, missed.hd95_mm, missed.missed) == (0.0, None, True)
    assert (invented.dsc, invented.hd95_mm, invented.missed) == (None, None, False)
    assert invented.in_prediction
    assert (neither.dsc, neither.in_reference, neither.in_prediction) == (None, False, False)


def test_values_without_a_name_are_scored_too():
    named, unnamed = score_case(volume(cube((5, 5, 5)) * 7), volume(cube((5, 5, 5)) * 7), {3: "eye_right"})
    assert (named.name, named.in_reference) == ("eye_right", False)
    assert (unnamed.id, unnamed.name, unnamed.dsc) == (7, "label_7", 1.0)


def test_axis_order_of_the_file_does_not_matter():
    prediction, reference = blobs(1), blobs(2)
    canonical = volume(reference)
    # Index axes i, j, k run anterior, inferior, right: the same voxels written in another order.
    nz, ny, nx = reference.shape
    corner = canonical.geometry.position((nz - 1, ny - 1, nx - 1))
    other = Geometry(
        shape=(nx, nz, ny),
        spacing=(SPACING[1], SPACING[2], SPACING[0]),
        origin=tuple(corner),
        direction=(0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
    )
    turned = from_canonical(prediction.astype(np.uint8), other)
    assert turned.array.shape == (nx, nz, ny)
    assert score_case(turned, canonical, {}) == score_case(volume(prediction), canonical, {})


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (volume(cube((5, 5, 5), shape=(24, 24, 25))), "25 x 24 x 24 voxels"),
        (volume(cube((5, 5, 5)), spacing=(1.0, 1.5, 3.1)), "mm apart"),
        (volume(cube((5, 5, 5)), origin=(0.0, 0.0, 1.0)), "1 mm apart"),
    ],
)
def test_unlike_grids_are_refused(other, says):
    with pytest.raises(InputError, match=says):
        score_case(volume(cube((5, 5, 5))), other, {})


def test_rounding_of_a_file_format_is_accepted():
    near = volume(cube((5, 5, 5)), spacing=(1.00001, 1.5, 3.0), origin=(0.001, 0.0, 0.0))
    (only,) = score_case(volume(cube((5, 5, 5))), near, {})
    assert only.dsc == 1.0
