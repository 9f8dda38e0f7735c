"""Sizes, places and pieces of masks that were drawn by hand."""

import numpy as np
import pytest

from hnseg_infer.review.measure import measure_organs
from hnseg_infer.volume import Geometry

SHAPE = (10, 12, 14)
GEOMETRY = Geometry(SHAPE, (1.0, 2.0, 3.0), (5.0, 6.0, 7.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def test_a_block_is_measured() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:4, 3:6, 4:8] = 7
    labels[5, 5, 5] = 9
    measured = measure_organs(labels, GEOMETRY, [7, 8])
    assert list(measured) == [7]
    organ = measured[7]
    assert organ.voxels == 24
    assert organ.volume_cm3 == pytest.approx(24 * 6 / 1000)
    assert organ.center == (2.5, 4.0, 5.5)
    # from the first voxel, whatever the origin
    assert organ.center_mm == (2.5 * 3, 4.0 * 2, 5.5 * 1)
    assert organ.box == np.s_[2:4, 3:6, 4:8]
    assert (organ.pieces, organ.outside_largest, organ.stray_mm) == (1, 0, 0.0)
    assert not organ.at_border


@pytest.mark.parametrize("edge", [np.s_[0, 4, 4], np.s_[9, 4, 4], np.s_[4, 0, 4], np.s_[4, 4, 13]])
def test_the_edge_of_the_image_is_seen(edge) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[edge] = 1
    assert measure_organs(labels, GEOMETRY, [1])[1].at_border


def test_pieces_are_those_that_do_not_touch_at_a_corner() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    labels[3, 3, 3] = 1
    labels[8, 3, 3:5] = 1
    organ = measure_organs(labels, GEOMETRY, [1])[1]
    assert (organ.pieces, organ.outside_largest) == (2, 2)
    # four empty slices of 3 mm between the boxes
    assert organ.stray_mm == 4 * 3
