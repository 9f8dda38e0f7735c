"""Left stays left: one head, stored in many orientations, gives the same labels in the patient."""

from itertools import permutations, product

import numpy as np
import pytest
from bundle_factory import make_bundle
from scipy.spatial.transform import Rotation
from synthetic_head import head_ct

from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.pipeline import segment
from hnseg_infer.volume import Geometry, Volume

ORIENTATIONS = [
    (order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3)
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> LoadedBundle:
    return load(make_bundle(tmp_path_factory.mktemp("bundle")), "cpu")


@pytest.fixture(scope="module")
def upright(loaded) -> np.ndarray:
    labels = segment(head_ct(), bundle=loaded).labels.array
    assert len(np.unique(labels)) == 5
    # the test would prove nothing on labels that mirror onto themselves
    for axis in range(3):
        assert (np.flip(labels, axis) == labels).mean() < 0.99
    return labels


def stored(volume: Volume, order: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """The same voxels in the patient; array axis ``n`` is canonical ``order[n]``, reversed by ``flips``."""
    geometry = volume.geometry
    array = volume.array.transpose(order)
    array = array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    first = np.zeros(3)
    for axis, flip in zip(order, flips, strict=True):
        first[axis] = geometry.shape[axis] - 1 if flip else 0
    # columns of the direction belong to the array's axes from last to first
    columns = [
        geometry.matrix[:, 2 - axis] * (-1 if flip else 1)
        for axis, flip in zip(reversed(order), reversed(flips), strict=True)
    ]
    return Volume(
        np.ascontiguousarray(array),
        Geometry(
            shape=array.shape,
            spacing=tuple(geometry.spacing_zyx[axis] for axis in reversed(order)),
            origin=tuple(geometry.position(tuple(first))),
            direction=tuple(np.stack(columns, axis=1).ravel()),
        ),
    )


def upright_again(labels: np.ndarray, order: tuple[int, ...], flips: tuple[bool, ...]) -> np.ndarray:
    return labels[tuple(slice(None, None, -1 if flip else 1) for flip in flips)].transpose(np.argsort(order))


@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_every_orientation_gives_the_same_labels(loaded, upright, order, flips):
    ct = stored(head_ct(), order, flips)
    prediction = segment(ct, bundle=loaded)
    assert prediction.labels.geometry == ct.geometry
    np.testing.assert_array_equal(upright_again(prediction.labels.array, order, flips), upright)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_an_oblique_header_changes_no_label(loaded, upright, order):
    ct = head_ct()
    tilt = Rotation.from_euler("xyz", [12.0, -7.0, 5.0], degrees=True).as_matrix()
    geometry = Geometry(
        ct.geometry.shape, ct.geometry.spacing, ct.geometry.origin, tuple((tilt @ ct.geometry.matrix).ravel())
    )
    tilted = stored(Volume(ct.array, geometry), order, (True, False, True))
    prediction = segment(tilted, bundle=loaded)
    assert prediction.labels.geometry == tilted.geometry
    np.testing.assert_array_equal(upright_again(prediction.labels.array, order, (True, False, True)), upright)
    assert "oblique_grid" in [warning.code for warning in prediction.warnings]


def test_a_flipped_array_with_a_matching_direction_never_swaps_sides(loaded, upright):
    """Organ centres in patient millimetres are the same to the last voxel."""
    ct = head_ct()
    flipped = stored(ct, (0, 1, 2), (False, False, True))
    assert flipped.geometry.matrix[0, 0] == -1
    labels = segment(flipped, bundle=loaded).labels
    for organ in np.unique(upright[upright > 0]):
        expected = ct.geometry.position(tuple(np.argwhere(upright == organ).mean(axis=0)))
        found = labels.geometry.position(tuple(np.argwhere(labels.array == organ).mean(axis=0)))
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_flipped_array_with_the_old_direction_is_another_patient(loaded, upright):
    """The header is believed: the same flip without its direction does move the labels."""
    ct = head_ct()
    mirrored = Volume(np.ascontiguousarray(ct.array[:, :, ::-1]), ct.geometry)
    assert not np.array_equal(segment(mirrored, bundle=loaded).labels.array, upright)
