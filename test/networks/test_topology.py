"""Depth and width of the networks, against docs/method.md and sizes measured beforehand."""

import pytest

from hnseg_infer.networks.topology import unet_topology


def test_2d_pools_512_to_4() -> None:
    topology = unet_topology((512, 512), (1.0, 1.0), 30, 480)
    assert topology.features == (30, 60, 120, 240, 480, 480, 480, 480)
    assert topology.strides == ((1, 1),) + ((2, 2),) * 7


def test_thick_slices_are_pooled_and_convolved_later() -> None:
    topology = unet_topology((32, 256, 256), (3.0, 1.0, 1.0), 30, 320)
    assert topology.features == (30, 60, 120, 240, 320, 320, 320)
    assert topology.strides == ((1, 1, 1), (1, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2))
    assert topology.kernel_sizes == ((1, 3, 3),) + ((3, 3, 3),) * 6


@pytest.mark.parametrize("patch", [(32, 256, 256), (16, 64, 64), (16, 192, 192)])
def test_every_axis_ends_at_about_four_voxels(patch: tuple[int, ...]) -> None:
    topology = unet_topology(patch, (3.0, 1.0, 1.0), 8, 64)
    size = list(patch)
    for stride in topology.strides:
        size = [voxels // factor for voxels, factor in zip(size, stride, strict=True)]
    assert all(4 <= voxels < 8 for voxels in size)
