"""Operations and tiles, against torch's and nnU-Net's own counts."""

import pytest
import torch
from flops import convolution_flops, product_flops, tile_count
from nnunetv2.inference.sliding_window_prediction import compute_steps_for_sliding_window
from random_networks import random_network
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hnseg_infer.networks.topology import unet_topology
from hnseg_infer.networks.unet import UNet


def arguments(patch, first, cap):
    topology = unet_topology(patch, (3.0, 1.0, 1.0)[-len(patch) :], first, cap)
    return {
        "n_stages": len(topology.features),
        "features_per_stage": topology.features,
        "conv_op": f"torch.nn.modules.conv.Conv{len(patch)}d",
        "kernel_sizes": topology.kernel_sizes,
        "strides": topology.strides,
    }


@pytest.mark.parametrize("patch", [(32, 48), (8, 16, 32)])
def test_a_u_net_as_torch_counts_it(patch):
    network = random_network(arguments(patch, 4, 8), 5, seed=1).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 1, *patch))
    assert convolution_flops(network, patch) == counter.get_total_flops() > 0


def test_transposed_and_grouped_convolutions_as_torch_counts_them():
    network = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.Conv2d(6, 4, 5, padding=2, stride=2, groups=2),
        nn.ConvTranspose2d(4, 3, 2, stride=2),
    )
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 1, 16, 24))
    assert convolution_flops(network, (16, 24)) == counter.get_total_flops() > 0


@pytest.mark.parametrize(
    ("patch", "cap", "tile", "gflop"),
    [((512, 512), 480, (512, 512), 118), ((32, 256, 256), 320, (32, 192, 192), 657)],
)
def test_the_published_sizes(patch, cap, tile, gflop):
    """What was counted by hand when the networks were laid out."""
    kwargs = arguments(patch, 30, cap)
    with torch.device("meta"):
        network = UNet(1, 23, **{**kwargs, "conv_op": nn.Conv2d if len(patch) == 2 else nn.Conv3d})
    assert convolution_flops(network, tile) / 1e9 == pytest.approx(gflop, rel=0.01)


@pytest.mark.parametrize("extent", [(130, 256, 256), (456, 300, 211), (20, 500, 130)])
def test_tiles_as_nnunet_lays_them(extent):
    patch = (32, 128, 96)
    padded = [max(voxels, tile) for voxels, tile in zip(extent, patch, strict=True)]
    z, y, x = compute_steps_for_sliding_window(padded, patch, 0.5)
    assert tile_count(extent, patch) == len(z) * len(y) * len(x)


def test_2d_tiles_lie_in_every_slice():
    assert tile_count((130, 512, 512), (512, 512)) == 130
    # along y two tiles half a patch apart at most, along x the image is smaller than the patch
    assert tile_count((7, 600, 100), (512, 512)) == 7 * 2


def test_matrix_products_count_too() -> None:
    # 6 voxels from 1 to 5 channels, then each channel's 6 voxels to 7 numbers
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 5, 1, bias=False), torch.nn.Flatten(2), torch.nn.Linear(6, 7, bias=False)
    )
    assert product_flops(network, (2, 3)) == 2 * (2 * 3 * 1 * 5) + 2 * (5 * 6 * 7)
