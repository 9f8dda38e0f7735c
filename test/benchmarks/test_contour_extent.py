"""Ends of contours along the body, on columns whose ends are known."""

import numpy as np
import pytest
from contour_extent import Extent, by_organ, extents

from hnseg_infer.volume import Geometry, Volume

CORD, STEM, EYE = 20, 1, 2
NAMES = {CORD: "spinal_cord", STEM: "brain_stem", EYE: "eye_left"}


def column(first: int, last: int, *, upside_down: bool = False) -> Volume:
    """A cord of four voxels a slice from one slice to another, counted upwards; 2.5 mm slices."""
    array = np.zeros((12, 4, 4), np.uint8)
    array[first : last + 1, 1:3, 1:3] = CORD
    z = -1.0 if upside_down else 1.0
    geometry = Geometry(array.shape, (4.0, 4.0, 2.5), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, z))
    return Volume(np.ascontiguousarray(array[::-1]) if upside_down else array, geometry)


@pytest.mark.parametrize("upside_down", [False, True])
def test_ends_are_counted_from_the_contours(upside_down: bool) -> None:
    predicted, contoured = (column(*ends, upside_down=upside_down) for ends in ((1, 8), (4, 9)))
    # five of the six contoured slices are found: 2 x 5 / (5 + 6)
    expected = Extent("spinal_cord", pytest.approx(10 / 11), 7.5, -2.5)
    assert extents(predicted, contoured, NAMES) == [expected]


def test_other_slices_alone_score_nothing() -> None:
    assert extents(column(0, 3), column(6, 9), NAMES) == [Extent("spinal_cord", 0.0, 15.0, -15.0)]


def test_what_is_not_in_both_is_left_out() -> None:
    assert extents(column(0, 3), column(0, 3), {STEM: "brain_stem"}) == []


def test_percentiles_are_over_the_cases() -> None:
    cases = [
        [Extent("spinal_cord", dsc, below, 0.0)] for dsc, below in ((0.5, 0.0), (0.7, 10.0), (0.9, 20.0))
    ]
    found = by_organ(cases)["spinal_cord"]
    assert found["dsc"] == pytest.approx(0.7)
    assert found["below_mm"] == pytest.approx([1.0, 10.0, 19.0])
    assert found["above_mm"] == [0.0, 0.0, 0.0]
