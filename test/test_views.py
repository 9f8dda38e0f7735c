"""Boxes of a CT and what lies in them, also where they reach beyond it; sizes are worked out by hand."""

import numpy as np
import pytest

from hnseg_infer.views import axial_window, clipped, cut, grown, patch_voxels, roi_window, uncut, within

PUBLISHED = (3.0, 1.0, 1.0)


def lengths(window) -> list[int]:
    return [part.stop - part.start for part in window]


@pytest.mark.parametrize("spacing", [(3.0, 0.98, 0.98), (2.0, 1.0, 1.17)])
def test_the_published_patches_hold_their_field(spacing) -> None:
    whole = axial_window("whole", (512, 512), 90, (250.0, 250.0), spacing)
    assert lengths(whole) == [90, 512, 512]
    assert lengths(axial_window("head_window", (32, 256, 256), 90, (250.0, 250.0), spacing)) == [90, 256, 256]


def test_a_field_wider_than_the_patch() -> None:
    # 500 and 240 mm of 0.5 mm
    assert lengths(axial_window("whole", (512, 512), 9, (250.0, 250.0), (1.0, 0.5, 0.5))) == [9, 1000, 1000]
    assert lengths(axial_window("head_window", (8, 64, 64), 9, (0.0, 0.0), (1.0, 0.5, 1.0))) == [9, 480, 240]


def test_the_patch_counts_in_the_models_own_voxels() -> None:
    # 128 voxels of 4 mm are 512 mm, 32 of 2.5 mm 80 mm
    assert patch_voxels((32, 128, 128), (3.0, 1.0, 2.0), (2.5, 4.0, 4.0)) == (27, 512, 256)
    assert patch_voxels((128, 128), (3.0, 1.0, 2.0)) == (1, 128, 128)
    window = axial_window("whole", (32, 128, 128), 9, (60.0, 60.0), PUBLISHED, (2.5, 4.0, 4.0))
    assert lengths(window) == [9, 512, 512]


def test_it_is_centred_on_the_head_wherever_the_image_ends() -> None:
    _, rows, columns = axial_window("head_window", (32, 256, 256), 5, (100.0, 20.0), PUBLISHED)
    assert (rows.start + rows.stop - 1) / 2 == pytest.approx(100, abs=0.5)
    assert (columns.start + columns.stop - 1) / 2 == pytest.approx(20, abs=0.5)
    assert columns.start < 0


def test_what_lies_beyond_the_image_is_air() -> None:
    hu = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    window = slice(0, 3), slice(-1, 2), slice(2, 6)
    found = cut(hu, window)
    assert found.dtype == np.int16
    expected = np.full((3, 3, 4), -1000)
    expected[:2, 1:, :2] = [[[2, 3], [6, 7]], [[14, 15], [18, 19]]]
    np.testing.assert_array_equal(found, expected)


def test_a_window_inside_is_no_copy() -> None:
    hu = np.zeros((4, 5, 6))
    assert np.shares_memory(cut(hu, (slice(1, 3), slice(0, 5), slice(2, 6))), hu)


def test_labels_come_back_to_where_they_were_found() -> None:
    labels = np.arange(1, 121, dtype=np.uint8).reshape(4, 5, 6)
    window = slice(1, 6), slice(-2, 3), slice(3, 9)
    back = uncut(cut(labels, window, outside=200), window, (4, 5, 6))
    expected = np.zeros_like(labels)
    expected[1:, :3, 3:] = labels[1:, :3, 3:]
    np.testing.assert_array_equal(back, expected)


def test_parts_of_windows() -> None:
    window = slice(-3, 4), slice(2, 9), slice(7, 20)
    assert clipped(window, (10, 8, 6)) == (slice(0, 4), slice(2, 8), slice(6, 6))
    assert within(window, (slice(0, 4), slice(2, 8), slice(7, 8))) == (slice(3, 7), slice(0, 6), slice(0, 1))


def test_a_window_grows_to_both_sides() -> None:
    window = slice(0, 5), slice(2, 6), slice(0, 40)
    assert grown(window, (8, 6, 32)) == (slice(-1, 7), slice(1, 7), slice(0, 40))


def test_roi_window_is_centred_clamped_and_never_longer_than_the_image() -> None:
    assert roi_window((50.0, 100.0, 100.0), (16, 64, 64), (100, 512, 512)) == (
        slice(43, 59),
        slice(69, 133),
        slice(69, 133),
    )
    assert roi_window((0.0, 511.0, 30.0), (16, 64, 64), (8, 512, 512)) == (
        slice(0, 8),
        slice(448, 512),
        slice(0, 64),
    )
