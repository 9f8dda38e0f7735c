"""Recalibration against nested loops over channels and voxels."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.networks.squeeze_excitation import (
    LEAST_HIDDEN,
    ChannelExcitation,
    ChannelRecalibration,
    ConcurrentRecalibration,
    global_mean,
)

CASES = [(nn.Conv2d, (3, 5)), (nn.Conv3d, (2, 3, 4))]


def sigmoid(value: float) -> float:
    return 1 / (1 + np.exp(-value))


def slow_factors(excitation: ChannelExcitation, image: np.ndarray) -> list[float]:
    """Of one image ``[c, (z,) y, x]``."""
    first, _, second, _ = excitation.layers
    squeezed = [channel.sum() / channel.size for channel in image]
    hidden = []
    for row, bias in zip(first.weight.flatten(1).tolist(), first.bias.tolist(), strict=True):
        hidden.append(max(0.0, bias + sum(w * v for w, v in zip(row, squeezed, strict=True))))
    return [
        sigmoid(bias + sum(w * v for w, v in zip(row, hidden, strict=True)))
        for row, bias in zip(second.weight.flatten(1).tolist(), second.bias.tolist(), strict=True)
    ]


@pytest.mark.parametrize(("operator", "size"), CASES)
def test_channels_are_multiplied_by_their_factors(operator, size):
    torch.manual_seed(0)
    features = torch.randn(2, 20, *size)
    module = ChannelRecalibration(operator, 20, 2)
    found = module(features).detach().numpy()
    for image, result in zip(features.numpy(), found, strict=True):
        for channel, factor in enumerate(slow_factors(module.channel, image)):
            np.testing.assert_allclose(result[channel], image[channel] * factor, rtol=1e-5)


@pytest.mark.parametrize(("operator", "size"), CASES)
def test_channel_and_space_are_added(operator, size):
    torch.manual_seed(0)
    features = torch.randn(2, 10, *size)
    module = ConcurrentRecalibration(operator, 10, 2)
    found = module(features).detach().numpy()
    weights = module.space[0].weight.flatten().tolist()
    for image, result in zip(features.numpy(), found, strict=True):
        factors = slow_factors(module.channel, image)
        for voxel in np.ndindex(*size):
            values = [float(image[(channel, *voxel)]) for channel in range(10)]
            here = sigmoid(sum(w * v for w, v in zip(weights, values, strict=True)))
            for channel, value in enumerate(values):
                expected = value * factors[channel] + value * here
                assert result[(channel, *voxel)] == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_few_channels_are_not_squeezed_into_one():
    assert ChannelExcitation(nn.Conv2d, 30, 16).layers[0].out_channels == LEAST_HIDDEN
    assert ChannelExcitation(nn.Conv2d, 320, 16).layers[0].out_channels == 20


class MeanBehindConvolution(nn.Module):
    """What a recalibration sees: the convolution decides the layout in memory in which OpenVINO adds up."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(1, 16, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return global_mean(self.convolution(image).relu())


def test_openvino_loses_no_digits_of_a_mean_over_a_large_map():
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    torch.manual_seed(0)
    module = MeanBehindConvolution().eval().requires_grad_(False)
    image = torch.randn(1, 1, 32, 128, 128)
    expected = module.double()(image.double()).numpy()
    decoder = TorchScriptPythonDecoder(torch.jit.trace(module.float(), image[..., :8, :8], check_trace=False))
    frontend = openvino.frontend.FrontEndManager().load_by_framework("pytorch")
    graph = frontend.convert(frontend.load(decoder))
    graph.reshape(list(image.shape))
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(compiled(image.numpy())[0], expected, rtol=3e-6)
