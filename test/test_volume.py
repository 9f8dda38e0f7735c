from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
import SimpleITK

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Geometry, Volume, from_canonical, tilt_degrees, to_canonical

SHAPE = (5, 7, 9)
SPACING = (0.97, 1.1, 3.0)
ORIGIN = (-201.5, 17.25, 1003.125)

SIGNED_PERMUTATIONS = [
    np.eye(3)[:, order] * signs
    for order in permutations(range(3))
    for signs in product((1.0, -1.0), repeat=3)
]
"""All 48 ways in which index axes can run along the patient's axes."""


def small_rotation(degrees: float) -> np.ndarray:
    """Turned by the angle about the axis (1, 2, 3): oblique to all three patient axes."""
    axis = np.array([1.0, 2.0, 3.0]) / np.sqrt(14.0)
    cross = np.cross(np.eye(3), axis).T @ np.eye(3)
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def numbered_volume(direction: np.ndarray) -> Volume:
    """Every voxel has its own value."""
    array = np.random.default_rng(0).permutation(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    return Volume(array, Geometry(SHAPE, SPACING, ORIGIN, tuple(direction.ravel().tolist())))


def itk_positions(volume: Volume) -> dict[int, np.ndarray]:
    """LPS position of every value, by SimpleITK."""
    image = SimpleITK.GetImageFromArray(volume.array)
    image.SetSpacing(volume.geometry.spacing)
    image.SetOrigin(volume.geometry.origin)
    image.SetDirection(volume.geometry.direction)
    return {
        int(value): np.array(image.TransformIndexToPhysicalPoint([int(x), int(y), int(z)]))
        for (z, y, x), value in np.ndenumerate(volume.array)
    }


@pytest.mark.parametrize("degrees", [0.0, 12.0])
@pytest.mark.parametrize("direction", SIGNED_PERMUTATIONS)
def test_canonical_keeps_every_voxel_at_its_place(direction: np.ndarray, degrees: float) -> None:
    volume = numbered_volume(small_rotation(degrees) @ direction)
    canonical = to_canonical(volume)
    expected, found = itk_positions(volume), itk_positions(canonical)
    assert expected.keys() == found.keys()
    for value, position in expected.items():
        np.testing.assert_allclose(found[value], position, atol=1e-9)
    np.testing.assert_allclose(canonical.geometry.matrix, small_rotation(degrees), atol=1e-12)
    back = from_canonical(canonical.array, volume.geometry)
    assert back.geometry == volume.geometry
    np.testing.assert_array_equal(back.array, volume.array)
    assert back.array.flags.c_contiguous
    assert canonical.array.flags.c_contiguous


@pytest.mark.parametrize("degrees", [0.0, 12.0])
def test_one_patient_in_48_orientations_gives_one_canonical_array(degrees: float) -> None:
    patient = numbered_volume(small_rotation(degrees))
    for signed in SIGNED_PERMUTATIONS:
        order = np.abs(signed).argmax(axis=0)
        signs = signed.sum(axis=0)
        # Index axis n of the stored array runs along (or against) axis order[n] of the patient array.
        stored = patient.array.transpose([2 - order[2 - axis] for axis in range(3)])
        stored = stored[tuple(slice(None, None, int(signs[2 - axis])) for axis in range(3))]
        corner = [0.0 if signs[list(order).index(axis)] > 0 else SHAPE[2 - axis] - 1.0 for axis in range(3)]
        geometry = Geometry(
            shape=stored.shape,
            spacing=tuple(SPACING[axis] for axis in order),
            origin=tuple(patient.geometry.position(tuple(reversed(corner)))),
            direction=tuple((small_rotation(degrees) @ signed).ravel()),
        )
        canonical = to_canonical(Volume(stored, geometry))
        np.testing.assert_array_equal(canonical.array, patient.array)
        np.testing.assert_allclose(canonical.geometry.origin, ORIGIN, atol=1e-9)
        assert canonical.geometry.spacing == SPACING


def test_left_is_the_last_axis_whatever_way_the_array_runs() -> None:
    array = np.zeros(SHAPE, np.uint8)
    array[:, :, 0] = 1
    # The first column lies at the highest x, which is the patient's left.
    flipped = Volume(array, Geometry(SHAPE, SPACING, (100.0, 0, 0), (-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)))
    assert to_canonical(flipped).array[:, :, -1].all()
    assert to_canonical(flipped).array.sum() == SHAPE[0] * SHAPE[1]


def test_position_by_hand() -> None:
    turned = Geometry(SHAPE, SPACING, ORIGIN, (0.0, -1.0, 0, 1.0, 0, 0, 0, 0, 1.0))
    # i runs along +y, j along -x, k along +z.
    expected = (-201.5 - 2 * 1.1, 17.25 + 3 * 0.97, 1003.125 + 1 * 3.0)
    np.testing.assert_allclose(turned.position((1, 2, 3)), expected, atol=1e-12)


def test_voxel_volume_and_spacing_order() -> None:
    geometry = Geometry(SHAPE, SPACING, ORIGIN, tuple(np.eye(3).ravel()))
    assert geometry.voxel_cm3 == pytest.approx(0.97 * 1.1 * 3.0 / 1000)
    assert geometry.spacing_zyx == (3.0, 1.1, 0.97)


@pytest.mark.parametrize("degrees", [0.0, 0.5, 12.0])
def test_tilt_is_the_largest_angle_of_an_axis(degrees: float) -> None:
    # About z, x and y turn by the whole angle.
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    for signed in SIGNED_PERMUTATIONS:
        assert tilt_degrees(numbered_volume(turn @ signed).geometry) == pytest.approx(degrees, abs=1e-5)


@pytest.mark.parametrize(
    ("spacing", "origin", "direction"),
    [
        ((0.0, 1, 1), (0, 0, 0), np.eye(3)),
        ((-1.0, 1, 1), (0, 0, 0), np.eye(3)),
        ((np.nan, 1, 1), (0, 0, 0), np.eye(3)),
        ((1.0, 1, 1), (0, np.inf, 0), np.eye(3)),
        ((1.0, 1, 1), (0, 0, 0), np.zeros((3, 3))),
        ((1.0, 1, 1), (0, 0, 0), np.eye(3) + np.diag([0.3, 0.0], 1)),
        ((1.0, 1, 1), (0, 0, 0), np.eye(2)),
    ],
)
def test_no_grid_from_impossible_numbers(
    spacing: tuple[float, float, float], origin: tuple[float, float, float], direction: np.ndarray
) -> None:
    with pytest.raises(InputError):
        Geometry(SHAPE, spacing, origin, tuple(direction.ravel()))


def test_array_and_geometry_must_agree() -> None:
    with pytest.raises(InputError, match="shape"):
        Volume(np.zeros((5, 7, 8)), numbered_volume(np.eye(3)).geometry)


def test_arrays_and_nested_sequences_are_flat_tuples_in_the_end() -> None:
    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    by_hand = Geometry(SHAPE, SPACING, ORIGIN, (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    for direction in (turned, turned.tolist(), turned.ravel().tolist()):
        geometry = Geometry(np.zeros(SHAPE).shape, np.array(SPACING), list(ORIGIN), direction)
        assert geometry == by_hand
        assert hash(geometry) == hash(by_hand)
        assert replace(geometry, spacing=np.array(SPACING)) == by_hand
    assert all(type(number) is float for number in (*geometry.spacing, *geometry.origin, *geometry.direction))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"direction": np.eye(2)}, "direction of the image is 1 0 0 1; 9 finite numbers are accepted"),
        ({"direction": None}, "direction of the image is nan; 9"),
        ({"spacing": (1.0, 2.0)}, "spacing of the image is 1 2; 3 finite numbers"),
        ({"origin": (0, "left", 0)}, "origin of the image is nan; 3"),
        ({"shape": (5, 7)}, "2 axes; three are accepted"),
    ],
)
def test_what_is_no_geometry_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(numbered_volume(np.eye(3)).geometry, **changes)
