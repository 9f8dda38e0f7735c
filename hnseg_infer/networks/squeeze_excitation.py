"""Squeeze-and-excitation: features recalibrated by what the whole map, or each voxel, says about them.

Tensors are ``[batch, channel, (z,) y, x]``. Channels: Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR
2018. Channels and space: Roy, Navab, Wachinger, "Concurrent Spatial and Channel Squeeze & Excitation in Fully
Convolutional Networks", MICCAI 2018.
"""

import torch
from torch import Tensor, nn

from hnseg_infer.networks.building_blocks import relu

LEAST_HIDDEN = 8
"""Hidden features of an excitation at least (decided): of fewer, all may be dead in a new network."""


def global_mean(features: Tensor) -> Tensor:
    """The mean of every channel: ``[b, c, (z,) y, x]`` to ``[b, c, (1,) 1, 1]``.

    In two steps, rows first: OpenVINO adds up a whole map voxel after voxel in single precision, which over
    two million of them loses two digits.
    """
    rows = features.mean(dim=-1)
    return torch.unflatten(rows.flatten(2).mean(dim=2, keepdim=True), 2, (1,) * (features.dim() - 2))


class ChannelExcitation(nn.Module):
    """One factor per channel, in (0, 1): global mean, two fully connected layers, ReLU between, sigmoid."""

    def __init__(self, conv_op: type[nn.Module], channels: int, reduction: int) -> None:
        """reduction: by how much the hidden layer is narrower than its input."""
        super().__init__()
        hidden = max(channels // reduction, LEAST_HIDDEN)
        # 1 x 1 convolutions of a single voxel are the fully connected layers, without a change of shape
        self.layers = nn.Sequential(
            conv_op(channels, hidden, 1), relu(), conv_op(hidden, channels, 1), nn.Sigmoid()
        )

    def forward(self, features: Tensor) -> Tensor:
        """``[b, c, (z,) y, x]`` to ``[b, c, (1,) 1, 1]``."""
        factors: Tensor = self.layers(global_mean(features))
        return factors


class ChannelRecalibration(nn.Module):
    """Every channel times its factor (Hu et al.)."""

    def __init__(self, conv_op: type[nn.Module], channels: int, reduction: int) -> None:
        super().__init__()
        self.channel = ChannelExcitation(conv_op, channels, reduction)

    def forward(self, features: Tensor) -> Tensor:
        """``[b, c, (z,) y, x]`` to the same shape."""
        recalibrated: Tensor = features * self.channel(features)
        return recalibrated


class ConcurrentRecalibration(nn.Module):
    """Recalibrated by channel plus recalibrated by voxel: scSE, joined by addition as in Roy et al. 2018."""

    def __init__(self, conv_op: type[nn.Module], channels: int, reduction: int) -> None:
        super().__init__()
        self.channel = ChannelExcitation(conv_op, channels, reduction)
        self.space = nn.Sequential(conv_op(channels, 1, 1, bias=False), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """``[b, c, (z,) y, x]`` to the same shape."""
        # the factors are added first: one product of full size instead of two
        factors: Tensor = self.channel(features) + self.space(features)
        return features * factors
