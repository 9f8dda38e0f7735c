"""The U-Nets of docs/method.md: sizes against the measured ones, shapes, and the layers in use."""

import pytest
import torch
from torch import nn

from hnseg_infer.networks.topology import unet_topology
from hnseg_infer.networks.unet import UNet


def build(
    patch: tuple[int, ...], first: int, cap: int, *, classes: int = 23, supervised: bool = False
) -> UNet:
    topology = unet_topology(patch, (3.0, 1.0, 1.0)[-len(patch) :], first, cap)
    return UNet(
        1,
        classes,
        len(topology.features),
        topology.features,
        nn.Conv2d if len(patch) == 2 else nn.Conv3d,
        topology.kernel_sizes,
        topology.strides,
        deep_supervision=supervised,
    )


@pytest.mark.parametrize(("patch", "cap", "millions"), [((512, 512), 480, 38), ((32, 192, 192), 320, 29)])
def test_paper_size_matches_the_measured_networks(patch: tuple[int, ...], cap: int, millions: int) -> None:
    with torch.device("meta"):
        network = build(patch, 30, cap)
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6) == millions


@pytest.mark.parametrize("patch", [(64, 64), (16, 32, 32)])
def test_logits_have_the_size_of_the_image(patch: tuple[int, ...]) -> None:
    network = build(patch, 4, 16, classes=3).eval()
    larger = tuple(2 * size for size in patch)
    with torch.inference_mode():
        assert network(torch.zeros(2, 1, *patch)).shape == (2, 3, *patch)
        assert network(torch.zeros(1, 1, *larger)).shape == (1, 3, *larger)


def test_deep_supervision_gives_one_output_per_decoder_stage() -> None:
    network = build((64, 64), 4, 16, classes=3, supervised=True)
    outputs = network(torch.zeros(2, 1, 64, 64))
    assert [tuple(output.shape[2:]) for output in outputs] == [(64, 64), (32, 32), (16, 16), (8, 8)]


def test_mirroring_the_kernels_mirrors_the_output() -> None:
    """Without position-dependent parts, flipping image and every kernel along x flips the logits."""
    torch.manual_seed(0)
    network = build((32, 32), 4, 16, classes=3).eval()
    image = torch.randn(1, 1, 32, 32)
    with torch.inference_mode():
        expected = network(image).flip(-1)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.copy_(module.weight.flip(-1))
        assert torch.allclose(network(image.flip(-1)), expected, atol=1e-5)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="n_stages"):
        UNet(1, 2, 3, [4, 8], nn.Conv2d, [[3, 3]] * 3, [[1, 1]] * 3)
