"""NSD worked out by hand: areas of cubes, shifts around the tolerance, symmetry."""

import numpy as np
import pytest
from mask_pairs import FINE, ISOTROPIC, PAIRS, THICK

from hnseg_train.evaluation.surface_dsc import _area, surface_dsc


def block(size=6, at=(3, 3, 3), shape=(14, 14, 14)):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(start, start + size) for start in at)] = True
    return mask


def shifted(axis, voxels):
    at = [3, 3, 3]
    at[axis] += voxels
    return block(at=at)


def test_areas_of_elements():
    # One voxel at a corner: the triangle that cuts it off has sides of half a face diagonal.
    assert _area(1, ISOTROPIC) == pytest.approx(np.sqrt(3) / 8)
    # Two voxels side by side: a strip of that width, one voxel long. Four: the plane between two slices.
    assert _area(0b11, ISOTROPIC) == pytest.approx(np.sqrt(2) / 2)
    assert _area(0b1111, ISOTROPIC) == pytest.approx(1.0)
    # bits 0..3 are the lower slice: the plane lies across z, so 1.5 x 1 mm
    assert _area(0b1111, THICK) == pytest.approx(1.5)
    assert _area(0, THICK) == _area(255, THICK) == 0.0


@pytest.mark.parametrize("spacing", [ISOTROPIC, THICK, FINE])
def test_a_pattern_and_its_complement_share_their_surface(spacing):
    areas = [_area(code, spacing) for code in range(256)]
    assert areas == pytest.approx(areas[::-1], rel=1e-6)


@pytest.mark.parametrize("spacing", [ISOTROPIC, THICK, FINE])
def test_mirrored_patterns_have_equal_area(spacing):
    # Bit n stands for offset (n >> 2 & 1, n >> 1 & 1, n & 1), so flipping an axis swaps bits by xor.
    for code in range(256):
        for axis in (1, 2, 4):
            mirrored = sum(1 << (bit ^ axis) for bit in range(8) if code >> bit & 1)
            assert _area(mirrored, spacing) == pytest.approx(_area(code, spacing), rel=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_shift_by_the_tolerance_and_beyond(axis):
    assert surface_dsc(shifted(axis, 1), block(), ISOTROPIC) == 1.0
    # Two voxels: the face left behind is 2 mm away, edges and corners included, and so is the middle of the
    # opposite face, which the other cube now holds inside, 3 x 3 elements; its rim is next to the sides.
    area = cube_area(6)
    far = (5 * 5 * 1.0 + 4 * 5 * np.sqrt(2) / 2 + 4 * np.sqrt(3) / 8) + 3 * 3 * 1.0
    assert surface_dsc(shifted(axis, 2), block(), ISOTROPIC) == pytest.approx((area - far) / area)


def cube_area(size):
    """Faces, edges and corners of a cube that marching cubes has rounded off."""
    inner = size - 1
    return 6 * inner**2 + 12 * inner * np.sqrt(2) / 2 + 8 * np.sqrt(3) / 8


def test_rounded_spacing_does_not_decide():
    stored = tuple(float(np.float32(step)) * (1 + 1e-7) for step in ISOTROPIC)
    assert surface_dsc(shifted(2, 1), block(), stored) == 1.0


def test_tolerance():
    assert surface_dsc(shifted(0, 1), block(), THICK, tolerance_mm=3.0) == 1.0
    assert surface_dsc(shifted(0, 1), block(), THICK, tolerance_mm=2.9) < 1.0


@pytest.mark.parametrize("name", ["random_0_thick", "touching_the_border", "one_voxel_in_a_box"])
def test_symmetric_and_independent_of_the_box(name):
    pair = PAIRS[name]
    forward = surface_dsc(pair.prediction, pair.reference, pair.spacing)
    assert surface_dsc(pair.reference, pair.prediction, pair.spacing) == pytest.approx(forward)
    wide = np.pad(pair.prediction, (2, 5)), np.pad(pair.reference, (2, 5))
    assert surface_dsc(*wide, pair.spacing) == pytest.approx(forward)
