"""Where the head is found, in drawn heads whose skull's centre is known, whatever lies beside it."""

import numpy as np
import pytest
from synthetic_head import head_ct

from hnseg_infer.head_place import head_center

SPACING = (3.0, 2.0, 2.0)
CENTER = (100.0, 140.0)


def drawn_head(center: tuple[float, float] = CENTER) -> np.ndarray:
    """A skull of 150 x 190 mm around a brain, 100 mm high, on a neck; air above."""
    hu = np.full((50, 220, 260), -1000, np.int16)
    y, x = np.ogrid[:220, :260]
    radius = np.hypot((y - center[0]) * 2 / 95, (x - center[1]) * 2 / 75)
    hu[:45, radius < 0.6] = 40
    hu[10:45, radius < 1.0] = 900
    hu[12:43, radius < 0.9] = 35
    return hu


def test_the_middle_of_the_skull() -> None:
    assert head_center(drawn_head(), SPACING) == pytest.approx(CENTER, abs=0.5)


def with_company() -> np.ndarray:
    """A couch, raised arms with bones, and shoulders below."""
    hu = drawn_head()
    hu[:, 160:164, 20:250] = 300
    for column in (20, 240):
        hu[:, 80:120, column - 15 : column + 15] = 50
        hu[:, 95:105, column - 5 : column + 5] = 800
    hu[:4, 70:150, 5:255] = 40
    return hu


def test_what_lies_beside_the_head_does_not_move_it() -> None:
    assert head_center(with_company(), SPACING) == pytest.approx(CENTER, abs=0.5)


@pytest.mark.parametrize("window", [np.s_[:, 40:160, 90:190], np.s_[:, 45:200, 60:260]])
def test_nor_does_the_field_of_view(window) -> None:
    whole = head_center(with_company(), SPACING)
    row, column = head_center(with_company()[window], SPACING)
    found = row + window[1].start, column + window[2].start
    assert found == pytest.approx(whole, abs=0.2)
    padded = np.pad(with_company(), ((0, 0), (51, 90), (77, 30)), constant_values=-1000)
    row, column = head_center(padded, SPACING)
    assert (row - 51, column - 77) == pytest.approx(whole, abs=0.2)


def test_a_skull_off_the_middle_of_the_image() -> None:
    hu = drawn_head(center=(60.0, 200.0))
    assert head_center(hu, SPACING) == pytest.approx((60.0, 200.0), abs=0.5)


def test_without_a_brain_the_upper_body_counts() -> None:
    hu = np.full((120, 100, 120), -1000, np.int16)
    y, x = np.ogrid[:100, :120]
    hu[:, np.hypot(y - 40, x - 70) < 25] = 40
    # the couch is left out, and so are shoulders more than 200 mm below the top
    hu[:, 85:87, 5:115] = 200
    hu[:45, 40:80, 5:115] = 40
    assert head_center(hu, (3.0, 2.0, 2.0)) == pytest.approx((40, 70), abs=1.5)


def test_without_a_body_the_middle_of_the_image() -> None:
    assert head_center(np.full((4, 41, 61), -1000.0), SPACING) == (20.0, 30.0)


def test_of_a_lopsided_head_the_bones_own_centroid() -> None:
    ct = head_ct()
    bone = np.argwhere(ct.array[4:26] > 150)
    found = head_center(ct.array, ct.geometry.spacing_zyx)
    assert found == pytest.approx(bone.mean(axis=0)[1:], abs=1.0)
