"""The Attention U-Net that the second publication is compared with (docs/method.md).

Oktay et al., "Attention U-Net: Learning Where to Look for the Pancreas", MIDL 2018: skips pass additive
attention gates that the next coarser decoder stage controls. As there, the finest skip has no gate, and a new
network's gates are nearly open. Decided: the skip is brought to the gating grid by a convolution whose kernel
is its stride, as many intermediate features as the skip has channels, no further layer behind the gate. All
else is ``plain_unet.py``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnseg_infer.networks.building_blocks import LinearUpsample, Size, relu_stage, transposed_upsampler
from hnseg_infer.networks.encoder_decoder import EncoderDecoder, Parts, Ungated

OPEN_BIAS = 3.0
"""Bias before a new gate's sigmoid, which makes it let 95 % through."""


class AttentionGate(nn.Module):
    """Multiplies a skip by one factor per voxel, computed on the coarser grid of the gating features.

    ``factor = interpolate(sigmoid(psi(relu(skip_map(skip) + gating_map(gating)))))``.
    """

    def __init__(
        self, conv_op: type[nn.Module], skip_channels: int, gating_channels: int, factor: Size
    ) -> None:
        """factor: how much finer the skip's grid is, per axis."""
        super().__init__()
        size = tuple(factor)
        # one bias for the sum of the two
        self.skip_map = conv_op(skip_channels, skip_channels, size, stride=size, bias=False)
        self.gating_map = conv_op(gating_channels, skip_channels, 1)
        self.psi = conv_op(skip_channels, 1, 1)
        self.upsample = LinearUpsample(conv_op, factor)

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Skip ``[b, c, (z,) y, x]`` and features ``[b, d, ...]`` coarser by the factor; the skip's shape."""
        attended = functional.relu(self.skip_map(skip) + self.gating_map(gating))
        gated: Tensor = skip * self.upsample(torch.sigmoid(self.psi(attended)))
        return gated


def gate_but_finest(
    conv_op: type[nn.Module], level: int, skip_channels: int, gating_channels: int, factor: Size
) -> nn.Module:
    """The ``Gate`` of the Attention U-Net."""
    return AttentionGate(conv_op, skip_channels, gating_channels, factor) if level else Ungated()


class AttentionUNet(EncoderDecoder):
    """2D or 3D U-Net with attention gates; arguments and shapes as ``EncoderDecoder``."""

    parts = Parts(block=relu_stage, upsampler=transposed_upsampler, gate=gate_but_finest)

    @staticmethod
    def initialize(module: nn.Module) -> None:
        """He initialisation for ReLU; gates nearly open."""
        EncoderDecoder.initialize(module)
        # a gate comes after its own layers when nnU-Net visits the submodules
        if isinstance(module, AttentionGate):
            assert isinstance(module.psi.bias, Tensor)
            nn.init.constant_(module.psi.bias, OPEN_BIAS)
