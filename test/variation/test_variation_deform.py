"""Poses and sizes against matrices written out by hand, volumes against finer sampling."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from varied_head import ellipsoid, grid

from hnseg_infer.volume import Volume
from hnseg_train.variation.deform import GOES_ON_MM, deform, planes_in_view
from hnseg_train.variation.deformation import Deformation, sample_deformation, source_indices

SHAPE, SPACING = (40, 60, 50), (1.5, 1.2, 3.0)
GEOMETRY = grid(SHAPE, SPACING)
CENTRE = (60.0, 36.0, 37.5)


def _deformed(
    inside: np.ndarray, deformation: Deformation, spacing: tuple[float, float, float] = SPACING
) -> tuple[Volume, np.ndarray]:
    """A mask as label 5 and as an image of 1000 HU in water."""
    labels = np.where(inside, 5, 0).astype(np.uint8)
    ct = Volume(1000.0 * inside.astype(np.float32), grid(inside.shape, spacing))
    return deform(ct, labels, deformation=deformation)


def _centroid_mm(weights: np.ndarray, volume: Volume) -> np.ndarray:
    index = ndimage.center_of_mass(weights)
    return volume.geometry.position(index)[::-1]


@pytest.mark.parametrize(
    ("pose", "start", "end"),
    [
        # vectors from the centre in mm (z, y, x); the nose points to -y, the left is +x
        ({"pitch": 20.0}, (0, -20, 0), (20 * 0.34202, -20 * 0.93969, 0)),
        ({"roll": 10.0}, (30, 0, 0), (30 * 0.98481, 0, 30 * 0.17365)),
        ({"yaw": 10.0}, (0, -20, 0), (0, -20 * 0.98481, 20 * 0.17365)),
        ({"scale": (1.1, 0.9, 1.05)}, (20, -15, 10), (22, -13.5, 10.5)),
        ({"field": 1.1}, (20, -15, 10), (20, -15, 10)),
    ],
)
def test_a_landmark_lands_where_the_matrix_sends_it(
    pose: dict[str, float], start: tuple[float, ...], end: tuple[float, ...]
) -> None:
    at = (np.asarray(CENTRE) + start) / GEOMETRY.spacing_zyx
    inside = ellipsoid(SHAPE, tuple(at), (1.5, 3.0, 3.0))
    # where the drawn ball's centre really is, in voxels
    offset = _centroid_mm(inside, Volume(inside, GEOMETRY)) - CENTRE - start
    ct, labels = _deformed(inside, Deformation(CENTRE, **pose))  # type: ignore[arg-type]
    for weights in (np.maximum(ct.array, 0), labels == 5):
        found = _centroid_mm(weights, ct) - CENTRE - offset
        np.testing.assert_array_less(np.abs(found - end) / GEOMETRY.spacing_zyx, 0.5)


def test_a_ball_keeps_its_volume_times_the_scale() -> None:
    inside = ellipsoid(SHAPE, (20, 30, 25), (5, 13, 10.5))
    for scale in ((0.9, 0.9, 0.9), (1.1, 1.05, 1.0)):
        _, labels = _deformed(inside, Deformation(CENTRE, 15.0, -5.0, 8.0, scale=scale, field=1.05))
        grown = (labels == 5).sum() * 1.05**2 / inside.sum()
        assert grown == pytest.approx(np.prod(scale), rel=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_a_lens_keeps_its_volume(seed: int) -> None:
    """2 slices of 3 mm, 11 x 5 pixels: 0.2 cm3, as thin as an organ at risk gets."""
    shape = (24, 60, 60)
    inside = ellipsoid(shape, (11.5, 24, 30), (1.0, 2.7, 5.2))
    assert 0.15 < inside.sum() * 0.003 < 0.25
    rng = np.random.default_rng(seed)
    deformation = sample_deformation(grid(shape, (1.0, 1.0, 3.0)), (40.0, 30.0, 30.0), rng)
    _, labels = _deformed(inside, deformation, (1.0, 1.0, 3.0))
    # membership, interpolated by scipy at the same places, is what is to be kept
    places = source_indices(grid(shape, (1.0, 1.0, 3.0)), deformation, (slice(None),) * 3)
    expected = ndimage.map_coordinates(inside.astype(np.float64), places, order=1).sum()
    assert (labels == 5).sum() == pytest.approx(expected, rel=0.05)
    # displacements swell and shrink what they carry; without them there is the scale alone
    rigid = Deformation(
        deformation.centre, deformation.pitch, deformation.roll, deformation.yaw, deformation.scale
    )
    _, labels = _deformed(inside, rigid, (1.0, 1.0, 3.0))
    assert (labels == 5).sum() == pytest.approx(inside.sum() * np.prod(rigid.scale), rel=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_a_lens_keeps_its_volume_in_the_eye(seed: int) -> None:
    shape, spacing = (24, 60, 60), (1.0, 1.0, 3.0)
    eye, lens = (
        ellipsoid(shape, (11.5, 34, 30), (4, 12, 12)),
        ellipsoid(shape, (11.5, 25, 30), (1.0, 2.7, 5.2)),
    )
    labels = np.where(lens, 4, np.where(eye, 2, 0)).astype(np.uint8)
    ct = Volume(labels.astype(np.float32), grid(shape, spacing))
    drawn = sample_deformation(ct.geometry, (34.5, 34.0, 30.0), np.random.default_rng(seed))
    _, moved = deform(ct, labels, deformation=replace(drawn, lattice=None, field=1.0))
    for value in (4, 2):
        kept = (moved == value).sum() / (labels == value).sum()
        assert kept == pytest.approx(np.prod(drawn.scale), rel=0.05)


def test_touching_organs_leave_no_gap() -> None:
    labels = np.where(ellipsoid(SHAPE, (20, 30, 25), (7, 14, 12)), 1, 0).astype(np.uint8)
    labels[..., 25:] *= 2
    ct = Volume(labels.astype(np.float32), GEOMETRY)
    _, moved = deform(ct, labels, deformation=Deformation(CENTRE, 12.0, 6.0, -9.0))
    # a line along x through both has no background between them
    for row in moved[18:23, 25:36].reshape(-1, SHAPE[2]):
        found = np.flatnonzero(row)
        assert (row[found[0] : found[-1] + 1] > 0).all()
        assert (np.diff(row[found].astype(int)) >= 0).all()


def test_an_organ_of_one_voxel_is_not_lost() -> None:
    inside = np.zeros(SHAPE, bool)
    inside[20, 30, 25] = True
    _, labels = _deformed(inside, Deformation(CENTRE, 7.0, 3.0, 2.0, scale=(1.03, 1.03, 1.03)))
    assert 1 <= (labels == 5).sum() <= 2


def test_nothing_drawn_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    ct = Volume(rng.normal(0, 100, SHAPE).astype(np.float32), GEOMETRY)
    labels = np.where(ellipsoid(SHAPE, (20, 30, 25), (6, 9, 9)), 3, 0).astype(np.uint8)
    same, kept = deform(ct, labels, deformation=Deformation(CENTRE))
    assert same.geometry == GEOMETRY
    np.testing.assert_allclose(same.array, ct.array, atol=0.01)
    np.testing.assert_array_equal(kept, labels)


def test_coordinates_of_a_window_are_those_of_the_whole() -> None:
    deformation = sample_deformation(GEOMETRY, CENTRE, np.random.default_rng(1))
    whole = source_indices(GEOMETRY, deformation, (slice(None),) * 3)
    window = (slice(3, 30, 4), slice(10, 11), slice(None, None, 7))
    np.testing.assert_allclose(
        source_indices(GEOMETRY, deformation, window), whole[(slice(None), *window)], atol=1e-3
    )


def test_displacements_are_as_large_as_drawn_and_do_not_fold() -> None:
    shape = (60, 60, 60)
    geometry = grid(shape, (6.0, 6.0, 6.0))
    deformation = sample_deformation(geometry, (180.0, 180.0, 180.0), np.random.default_rng(2))
    plain = Deformation(
        deformation.centre,
        deformation.pitch,
        deformation.roll,
        deformation.yaw,
        deformation.scale,
        deformation.field,
    )
    window = (slice(None),) * 3
    moved = 6.0 * (source_indices(geometry, deformation, window) - source_indices(geometry, plain, window))
    assert 2.0 < moved.std() < 4.0
    slopes = np.stack([np.stack(np.gradient(component, 6.0)) for component in moved])
    assert np.linalg.det(np.eye(3) + slopes.transpose(2, 3, 4, 0, 1)).min() > 0.2


def test_air_outside_and_a_neck_that_goes_on() -> None:
    ct = Volume(np.full(SHAPE, 40.0, np.float32), GEOMETRY)
    labels = np.zeros(SHAPE, np.uint8)
    labels[:4, 28:32, 23:27] = 7
    smaller = Deformation((117.0, 36.0, 37.5), scale=(0.8, 0.8, 0.8))
    result, moved = deform(ct, labels, deformation=smaller)
    # 39 slices shrink to 31; below them 12 mm are made up, 0.8 times as long: 3 slices
    assert result.array[39 - 31, 30, 25] == 40
    going_on = 39 - 31 - int(0.8 * GOES_ON_MM / 3)
    assert (result.array[going_on:, 30, 25] == 40).all()
    assert (result.array[:going_on, 30, 25] == -1000).all()
    assert (moved[going_on : 39 - 31, 30, 25] == 7).all()
    assert not moved[:going_on].any()
    assert (result.array[20, :, 0] == -1000).all()
    body = Volume(np.where(ellipsoid(SHAPE, (20, 30, 25), (99, 20, 16)), 40.0, -1000.0), GEOMETRY)
    assert planes_in_view(body, deformation=smaller) == slice(going_on, 40)
