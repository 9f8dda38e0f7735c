"""The residual-SAM block against its parts, and the branch at the bottleneck."""

import pytest
import torch
from tiny_networks import TINY_VIT, arguments
from torch import nn
from torch.nn import functional

from hnseg_infer.networks.nnsam_unet import NNSAMUNet, ResidualSAMBlock


def network(patch=(32, 32), **options) -> NNSAMUNet:
    torch.manual_seed(0)
    operator = nn.Conv2d if len(patch) == 2 else nn.Conv3d
    return NNSAMUNet(1, 3, **{**arguments(patch, **options), "conv_op": operator})


@pytest.mark.parametrize(
    ("operator", "channels", "kernel", "size"),
    [
        (nn.Conv2d, (3, 6), (3, 3), (5, 7)),
        (nn.Conv2d, (6, 6), (3, 3), (5, 7)),
        (nn.Conv3d, (2, 4), (1, 3, 3), (3, 4, 5)),
    ],
)
def test_block_is_its_formula(operator, channels, kernel, size):
    torch.manual_seed(0)
    block = ResidualSAMBlock(operator, *channels, kernel, 0.1).eval()
    features = torch.randn(2, channels[0], *size)
    convolve = functional.conv2d if operator is nn.Conv2d else functional.conv3d
    padding = tuple(side // 2 for side in kernel)
    # a new batch norm in evaluation divides by sqrt(1 + eps)
    norm = (1 + 1e-5) ** -0.5
    inner = features
    for index, (convolution, *_) in enumerate(block.convolutions):
        inner = convolve(inner, convolution.weight, padding=padding) * norm
        inner = inner.clamp_min(0) if index == 0 else inner
    one, _, two, _ = block.recalibration.channel.layers
    mean = inner.flatten(2).mean(dim=2)
    hidden = (mean @ one.weight.flatten(1).T + one.bias).clamp_min(0)
    by_channel = torch.sigmoid(hidden @ two.weight.flatten(1).T + two.bias)
    by_voxel = torch.sigmoid(
        torch.einsum("bc...,c->b...", inner, block.recalibration.space[0].weight.flatten())
    )
    shape = (2, -1, *(1,) * len(size))
    expected = inner * by_channel.reshape(shape) + inner * by_voxel[:, None]
    if channels[0] == channels[1]:
        assert isinstance(block.identity, nn.Identity)
        expected = expected + features
    else:
        weights = block.identity[0].weight.flatten(1)
        expected = expected + torch.einsum("bc...,oc->bo...", features, weights) * norm
    torch.testing.assert_close(block(features), expected.clamp_min(0))


def test_the_branch_is_off_by_default():
    assert network().vit is None
    assert not any(name.startswith("vit") for name in network().state_dict())


@pytest.mark.parametrize("patch", [(32, 32), (8, 16, 16)])
def test_the_branch_is_added_to_the_bottleneck(patch):
    whole = network(patch, vit_bottleneck=TINY_VIT).eval()
    image = torch.randn(1, 1, *patch)
    *skips, bottleneck = whole.encoder(image)
    expected = whole.decoder([*skips, bottleneck + whole.vit(image)])
    torch.testing.assert_close(whole(image), expected)
    assert not torch.allclose(whole.decoder([*skips, bottleneck]), expected, atol=1e-3)


def test_the_branch_has_segment_anythings_sizes_unless_told():
    with torch.device("meta"):
        vit = network((512, 512), vit_bottleneck=True).vit
    assert vit.encoder.patches.weight.shape == (768, 1, 16, 16)
    assert vit.encoder.position.shape == (768, 32, 32)
    assert len(vit.encoder.layers) == 12
    # the bottleneck is 128 times coarser than the image, the patches 16 times
    assert vit.average.kernel_size == (8, 8)
    with pytest.raises(ValueError, match="smaller patch"):
        network((32, 32), vit_bottleneck=True)
