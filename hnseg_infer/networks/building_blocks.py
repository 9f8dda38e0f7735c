"""Blocks that the architectures share. Operators are passed in as classes, so one block serves 2D and 3D.

Tensors are ``[batch, channel, (z,) y, x]``.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnseg_infer.networks.unet_layout import LEAKY_SLOPE, NORM_EPSILON

Size = Sequence[int]
Activation = Callable[[], nn.Module]

POOLS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: nn.MaxPool2d, nn.Conv3d: nn.MaxPool3d}
NORMS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}
DROPOUTS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: nn.Dropout2d, nn.Conv3d: nn.Dropout3d}
TRANSPOSED: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: nn.ConvTranspose2d,
    nn.Conv3d: nn.ConvTranspose3d,
}
LINEAR_MODES: dict[type[nn.Module], str] = {nn.Conv2d: "bilinear", nn.Conv3d: "trilinear"}


def leaky_relu() -> nn.Module:
    """The activation of the combined system, with nnU-Net's slope."""
    return nn.LeakyReLU(LEAKY_SLOPE, inplace=True)


def relu() -> nn.Module:
    """The activation of the second publication's networks."""
    return nn.ReLU(inplace=True)


def conv_block(
    conv_op: type[nn.Module],
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    dropout: float,
    activation: Activation = leaky_relu,
) -> nn.Sequential:
    """Convolution, dropout, batch norm, activation (docs/method.md); keeps the spatial size."""
    padding = [size // 2 for size in kernel_size]
    layers = [conv_op(in_channels, out_channels, tuple(kernel_size), padding=tuple(padding), bias=False)]
    if dropout > 0:
        layers.append(DROPOUTS[conv_op](dropout))
    layers += [NORMS[conv_op](out_channels, eps=NORM_EPSILON), activation()]
    return nn.Sequential(*layers)


def stage(
    conv_op: type[nn.Module],
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    dropout: float,
    activation: Activation = leaky_relu,
) -> nn.Sequential:
    """Two conv blocks, the unit of every encoder and decoder stage."""
    return nn.Sequential(
        conv_block(conv_op, in_channels, out_channels, kernel_size, dropout, activation),
        conv_block(conv_op, out_channels, out_channels, kernel_size, dropout, activation),
    )


def relu_stage(
    conv_op: type[nn.Module], in_channels: int, out_channels: int, kernel_size: Size, dropout: float
) -> nn.Sequential:
    """Twice convolution, dropout, batch norm, ReLU."""
    return stage(conv_op, in_channels, out_channels, kernel_size, dropout, relu)


def linear_upsampler(
    conv_op: type[nn.Module], in_channels: int, _out_channels: int, factor: Size
) -> tuple[nn.Module, int]:
    """An ``Upsampler`` (encoder_decoder.py) that interpolates every channel from below."""
    return LinearUpsample(conv_op, factor), in_channels


def transposed_upsampler(
    conv_op: type[nn.Module], in_channels: int, out_channels: int, factor: Size
) -> tuple[nn.Module, int]:
    """An ``Upsampler`` by transposed convolution: kernel and stride are the factor, so nothing overlaps.

    It has no bias, since the block that follows begins with a convolution and a batch norm.
    """
    size = tuple(factor)
    return TRANSPOSED[conv_op](in_channels, out_channels, size, stride=size, bias=False), out_channels


class LinearUpsample(nn.Module):
    """Linear interpolation by a whole factor per axis; a fixed factor keeps the graph reshapable."""

    def __init__(self, conv_op: type[nn.Module], factor: Size) -> None:
        super().__init__()
        self.mode = LINEAR_MODES[conv_op]
        self.factor = tuple(float(value) for value in factor)

    def forward(self, features: Tensor) -> Tensor:
        """Tensor ``[b, c, (z,) y, x]``, each spatial axis multiplied by its factor."""
        if len(self.factor) == 3 and self.factor[0] == 1:
            # slice by slice: in channels-last layout the same numbers from a faster kernel
            batch, _, depth, *_ = features.shape
            slices = _interpolate(features.transpose(1, 2).flatten(0, 1), self.factor[1:], "bilinear")
            upsampled = torch.unflatten(slices, 0, (batch, depth)).transpose(1, 2)
        else:
            upsampled = _interpolate(features, self.factor, self.mode)
        if upsampled.requires_grad:
            # concatenation hands back a slice of its gradient; interpolation takes far longer on that
            upsampled.register_hook(_dense)  # type: ignore[no-untyped-call]  # in torch
        return upsampled


def _interpolate(features: Tensor, factor: tuple[float, ...], mode: str) -> Tensor:
    return functional.interpolate(features, scale_factor=factor, mode=mode, align_corners=False)


def _dense(gradient: Tensor) -> Tensor:
    layout = torch.channels_last if gradient.dim() == 4 else torch.channels_last_3d
    return gradient.contiguous(memory_format=layout)
