"""Blocks that the architectures share. Operators are passed in as classes, so one block serves 2D and 3D.

Tensors are ``[batch, channel, (z,) y, x]``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnseg_infer.networks.unet_layout import LEAKY_SLOPE, NORM_EPSILON

Size = Sequence[int]

POOLS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: nn.MaxPool2d, nn.Conv3d: nn.MaxPool3d}
NORMS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}
DROPOUTS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: nn.Dropout2d, nn.Conv3d: nn.Dropout3d}
LINEAR_MODES: dict[type[nn.Module], str] = {nn.Conv2d: "bilinear", nn.Conv3d: "trilinear"}


def conv_block(
    conv_op: type[nn.Module], in_channels: int, out_channels: int, kernel_size: Size, dropout: float
) -> nn.Sequential:
    """Convolution, dropout, batch norm, leaky ReLU (docs/method.md); keeps the spatial size."""
    padding = [size // 2 for size in kernel_size]
    layers = [conv_op(in_channels, out_channels, tuple(kernel_size), padding=tuple(padding), bias=False)]
    if dropout > 0:
        layers.append(DROPOUTS[conv_op](dropout))
    layers += [NORMS[conv_op](out_channels, eps=NORM_EPSILON), nn.LeakyReLU(LEAKY_SLOPE, inplace=True)]
    return nn.Sequential(*layers)


def stage(
    conv_op: type[nn.Module], in_channels: int, out_channels: int, kernel_size: Size, dropout: float
) -> nn.Sequential:
    """Two conv blocks, the unit of every encoder and decoder stage."""
    return nn.Sequential(
        conv_block(conv_op, in_channels, out_channels, kernel_size, dropout),
        conv_block(conv_op, out_channels, out_channels, kernel_size, dropout),
    )


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
