"""Painting on a straight, undeformed slab, where every voxel's position is known."""

import numpy as np
import pytest

from hnseg_train.phantom.canvas import SUBSLICES, Paint, Slab, cortical, sheathed
from hnseg_train.phantom.shapes import F, box, ellipsoid
from hnseg_train.phantom.warp import Pose, node_box, node_grid, patch, refine, to_average

SHAPE = (27, 48, 40)
FIRST = (-20.0, -24.0, -13.0)


def _straight(**changes: object) -> Pose:
    values = {
        "pitch": 0.0,
        "roll": 0.0,
        "yaw": 0.0,
        "scale": (1.0, 1.0, 1.0),
        "trunk": (0.0, 0.0, 0.0),
        "lattice": np.zeros((3, 15, 11, 13)),
    }
    return Pose(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def slab() -> Slab:
    """1 mm voxels; voxel (z, y, x) lies at (x - 20, y - 24, z - 13) mm; air everywhere."""
    nodes = node_grid(_straight(), FIRST, (1, 1, 1), (28, 49, 41))
    labels = np.zeros((SHAPE[0] // SUBSLICES, *SHAPE[1:]), np.uint8)
    return Slab(patch(nodes, SHAPE), np.full(SHAPE, -1000, np.float32), labels)


def test_straight_pose_is_the_identity(slab: Slab) -> None:
    z, y, x = np.indices(SHAPE)
    np.testing.assert_allclose(slab.patch.x, x - 20, atol=1e-4)
    np.testing.assert_allclose(slab.patch.y, y - 24, atol=1e-4)
    np.testing.assert_allclose(slab.patch.z, z - 13, atol=1e-4)


def test_a_larger_patient_has_smaller_average_coordinates() -> None:
    point = [np.full((1, 1, 1), value) for value in (30.0, -20.0, 60.0)]
    x, y, z = to_average(_straight(scale=(1.5, 1.0, 1.2)), *point)
    assert (x.item(), y.item(), z.item()) == pytest.approx((20, -20, 50))


def test_trunk_shift_leaves_the_head_where_it_is() -> None:
    pose = _straight(trunk=(5.0, 10.0, 0.0))
    head = to_average(pose, *[np.full((1, 1, 1), value) for value in (0.0, 0.0, 60.0)])
    chest = to_average(pose, *[np.full((1, 1, 1), value) for value in (0.0, 0.0, -250.0)])
    assert [axis.item() for axis in head] == pytest.approx([0, 0, 60])
    assert [axis.item() for axis in chest] == pytest.approx([5, 10, -250])


def test_refine_is_exact_for_linear_fields() -> None:
    z, y, x = np.indices((20, 17, 14)).astype(np.float32)
    field: F = 2 * z - y + 0.5 * x
    coarse = field[::3, ::2, ::2]
    np.testing.assert_allclose(refine(coarse, (3, 2, 2), field.shape), field, atol=1e-4)


def test_nodes_that_miss_every_shape_give_no_box(slab: Slab) -> None:
    assert node_box(slab.patch.nodes, [ellipsoid((200, 0, 0), (5, 5, 5))]) is None
    assert slab.patch.window((200, 0, 0), (210, 5, 5)) is None


def test_labels_follow_the_slice_planes_and_hu_all_planes(slab: Slab) -> None:
    slab.paint(Paint(box((0, 0, 0), (5.2, 4.2, 3.2), rounding=0.01), 40.0, 7))
    z, y, x = np.indices(SHAPE)
    inside = (abs(x - 20) <= 5) & (abs(y - 24) <= 4) & (abs(z - 13) <= 3)
    np.testing.assert_array_equal(slab.labels == 7, inside[1::3])
    assert (slab.hu[inside] > -300).all()
    assert slab.hu[13, 24, 20] == 40
    assert slab.hu[13, 24, 28] == -1000


def test_an_edge_through_a_voxel_is_half_covered(slab: Slab) -> None:
    slab.paint(Paint(box((0, 0, 0), (5.0, 20, 20), rounding=0.01), 0.0))
    assert slab.hu[13, 24, 25] == pytest.approx(-500, abs=5)
    assert slab.hu[13, 24, 24] == pytest.approx(0, abs=5)


def test_none_leaves_alone_and_zero_erases(slab: Slab) -> None:
    ball = ellipsoid((0, 0, 0), (8, 8, 8))
    slab.paint(Paint(ball, 30.0, 3))
    slab.paint(Paint(ellipsoid((0, 0, 0), (4, 4, 4)), None, 5))
    assert slab.hu[13, 24, 20] == 30
    slab.paint(Paint(ball, 60.0, None, opacity=0.5))
    assert slab.hu[13, 24, 20] == 45
    assert set(np.unique(slab.labels)) == {0, 3, 5}
    slab.paint(Paint(ball, 0.0))
    assert not slab.labels.any()


def test_materials_by_depth(slab: Slab) -> None:
    x, y, z = slab.patch.x, slab.patch.y, slab.patch.z
    bone = cortical(1200, 300, 2.0)
    depths = np.array([[[-0.2, -10.0]]], dtype=np.float32)
    assert callable(bone)
    np.testing.assert_allclose(bone(depths, x, y, z), [[[1200, 300]]])
    slab.paint(sheathed(ellipsoid((0, 0, 0), (8, 8, 8)), 50, fat=-90))
    assert slab.hu[13, 24, 20] == pytest.approx(50, abs=12)
    assert slab.hu[13, 24, 29] < 0
