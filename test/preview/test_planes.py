"""Plane choice and field of view on label volumes small enough to reason about."""

import numpy as np
import pytest

from hnseg_infer.preview.planes import choose_planes, count_by_plane, field_centre

NAMES = {1: "cord", 2: "eye_left", 3: "eye_right", 4: "parotid_left"}


def test_counts_are_the_marginals():
    labels = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)
    for axis, counts in enumerate(count_by_plane(labels)):
        for value in (1, 2, 3):
            others = tuple(other for other in range(3) if other != axis)
            assert counts[value].tolist() == (labels == value).sum(axis=others).tolist()
        assert not counts[0].any()


def test_planes_go_through_the_organs():
    labels = np.zeros((60, 40, 40), np.uint8)
    labels[5:40, 19:22, 19:22] = 1
    labels[25, 20, 35] = 4
    labels[50, 8, 30] = 2
    labels[46, 30, 10] = 3
    near = choose_planes(count_by_plane(labels), NAMES, slice_mm=3.0)
    # The cord has no side, so the sagittal plane is one of its three. Row 20 alone holds two organs. That
    # leaves the eyes to the axial planes: both with 16 mm between them, one of them with 12 mm.
    assert 19 <= near.sagittal < 22
    assert near.coronal == 20
    assert len({46, 50} & set(near.axial)) == 1
    far = choose_planes(count_by_plane(labels), NAMES, slice_mm=4.0)
    assert far.axial == (50, 46, 25)


def test_coronal_plane_shows_most_organs():
    labels = np.zeros((20, 40, 40), np.uint8)
    labels[5, 10, 5], labels[5, 10, 35], labels[5, 30, 20] = 2, 3, 1
    assert choose_planes(count_by_plane(labels), NAMES, slice_mm=3.0).coronal == 10


def test_without_labels_planes_go_through_the_centre():
    planes = choose_planes(count_by_plane(np.zeros((40, 50, 60), np.uint8)), NAMES, slice_mm=3.0)
    assert (planes.axial, planes.coronal, planes.sagittal) == ((30, 20, 10), 25, 30)


def test_planes_stay_near_a_single_organ():
    labels = np.zeros((60, 40, 40), np.uint8)
    labels[30, 10, 30] = 2
    assert choose_planes(count_by_plane(labels), NAMES, slice_mm=7.0).axial == (32, 30, 28)


def test_one_slice_gives_one_axial_plane():
    labels = np.ones((1, 8, 8), np.uint8)
    assert choose_planes(count_by_plane(labels), NAMES, slice_mm=3.0).axial == (0,)


def test_field_shows_the_head_and_stays_inside():
    hu = np.full((50, 200, 200), -1000.0, np.float32)
    hu[:, 60:141, 40:121] = 40.0
    labels = np.zeros(hu.shape, np.uint8)
    labels[20:31, 95, 90] = 2
    counts = count_by_plane(labels)
    # z: the organ's centroid, slice 25; y, x: the middle of the body's rows 60..140 and columns 40..120.
    assert field_centre(hu, counts, (2.0, 1.0, 1.0), (60.0, 110.0, 110.0)) == pytest.approx(
        (50.0, 100.0, 80.0)
    )
    # A field as high as the scan shows all of it; one that would leave the image is moved back.
    assert field_centre(hu, counts, (2.0, 1.0, 1.0), (98.0, 190.0, 190.0)) == pytest.approx(
        (49.0, 100.0, 95.0)
    )
