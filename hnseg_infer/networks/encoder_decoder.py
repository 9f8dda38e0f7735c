"""What all U-shaped networks share: the walk down, the walk up, the constructor that nnU-Net's plans call.

A network says only what it is made of (``Parts``). Tensors are ``[batch, channel, (z,) y, x]``; stages are
counted from the finest, 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from hnseg_infer.networks.building_blocks import POOLS, Size

CONVOLUTIONS = nn.Conv2d | nn.Conv3d
TRANSPOSED_CONVOLUTIONS = nn.ConvTranspose2d | nn.ConvTranspose3d


class Block(Protocol):
    """Makes the unit of every stage, in the encoder and in the decoder; it keeps the spatial size."""

    def __call__(
        self,
        conv_op: type[nn.Module],
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        dropout: float,
        /,
    ) -> nn.Module: ...


class Upsampler(Protocol):
    """Makes the way from one decoder stage to the next finer one.

    Given are the channels of the coarser stage and of the finer one; returned is the module and the number of
    channels that leave it.
    """

    def __call__(
        self, conv_op: type[nn.Module], in_channels: int, out_channels: int, factor: Size, /
    ) -> tuple[nn.Module, int]: ...


class Gate(Protocol):
    """Makes what a skip goes through: called with the skip and with the coarser stage's features.

    factor: how much finer the skip is.
    """

    def __call__(
        self,
        conv_op: type[nn.Module],
        level: int,
        skip_channels: int,
        gating_channels: int,
        factor: Size,
        /,
    ) -> nn.Module: ...


class Ungated(nn.Module):
    """A skip that passes as it is."""

    def forward(self, skip: Tensor, _gating: Tensor) -> Tensor:
        """The skip itself."""
        return skip


def ungated(
    _conv_op: type[nn.Module], _level: int, _skip_channels: int, _gating_channels: int, _factor: Size
) -> nn.Module:
    """The ``Gate`` of a U-Net without gates."""
    return Ungated()


@dataclass(frozen=True)
class Parts:
    """What tells one U-shaped network from another."""

    block: Block
    upsampler: Upsampler
    gate: Gate = ungated


class Encoder(nn.Module):
    """One block a stage, max pooling between them; returns every stage's features, finest first."""

    def __init__(
        self,
        input_channels: int,
        features: Sequence[int],
        conv_op: type[nn.Module],
        kernel_sizes: Sequence[Size],
        strides: Sequence[Size],
        dropout: float,
        parts: Parts,
    ) -> None:
        super().__init__()
        channels = [input_channels, *features[:-1]]
        self.stages = nn.ModuleList(
            parts.block(conv_op, before, after, kernel, dropout)
            for before, after, kernel in zip(channels, features, kernel_sizes, strict=True)
        )
        # the first stage works at full resolution, so its stride is 1 and it has no pool
        self.pools = nn.ModuleList(POOLS[conv_op](tuple(factor), tuple(factor)) for factor in strides[1:])

    def forward(self, image: Tensor) -> list[Tensor]:
        """``[b, c, (z,) y, x]`` to one feature map per stage."""
        skips: list[Tensor] = []
        features = image
        for index, block in enumerate(self.stages):
            if index:
                features = self.pools[index - 1](features)
            features = block(features)
            skips.append(features)
        return skips


class Decoder(nn.Module):
    """Upsampling, gated skip, concatenation, one block a stage; a 1 x 1 head at each for deep supervision."""

    def __init__(
        self,
        num_classes: int,
        features: Sequence[int],
        conv_op: type[nn.Module],
        kernel_sizes: Sequence[Size],
        strides: Sequence[Size],
        dropout: float,
        deep_supervision: bool,
        parts: Parts,
    ) -> None:
        super().__init__()
        self.deep_supervision = deep_supervision
        self.upsamples = nn.ModuleList()
        self.gates = nn.ModuleList()
        self.stages = nn.ModuleList()
        levels = range(len(features) - 2, -1, -1)
        for level in levels:
            below, here, factor = features[level + 1], features[level], strides[level + 1]
            upsample, upsampled = parts.upsampler(conv_op, below, here, factor)
            self.upsamples.append(upsample)
            self.gates.append(parts.gate(conv_op, level, here, below, factor))
            self.stages.append(parts.block(conv_op, upsampled + here, here, kernel_sizes[level], dropout))
        self.heads = nn.ModuleList(conv_op(features[level], num_classes, 1) for level in levels)

    def forward(self, skips: list[Tensor]) -> Tensor | list[Tensor]:
        """Logits ``[b, class, (z,) y, x]``; with deep supervision a list of them, finest first."""
        features = skips[-1]
        last = len(self.stages) - 1
        logits: list[Tensor] = []
        for index, skip in enumerate(reversed(skips[:-1])):
            joined = (self.upsamples[index](features), self.gates[index](skip, features))
            features = self.stages[index](torch.cat(joined, dim=1))
            if self.deep_supervision or index == last:
                logits.append(self.heads[index](features))
        return logits[::-1] if self.deep_supervision else logits[-1]


class EncoderDecoder(nn.Module):
    """A 2D or 3D U-shaped network of its class's ``parts``.

    features_per_stage, kernel_sizes and strides have one entry per stage, finest first; strides[0] is 1 along
    every axis. Raises ValueError when their lengths differ.
    """

    parts: ClassVar[Parts]

    def __init__(
        self,
        input_channels: int,
        num_classes: int,
        n_stages: int,
        features_per_stage: Sequence[int],
        conv_op: type[nn.Module],
        kernel_sizes: Sequence[Size],
        strides: Sequence[Size],
        dropout: float = 0.0,
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        if not n_stages == len(features_per_stage) == len(kernel_sizes) == len(strides):
            raise ValueError("features_per_stage, kernel_sizes and strides need n_stages entries each")
        stages = features_per_stage, conv_op, kernel_sizes, strides, dropout
        self.encoder = Encoder(input_channels, *stages, self.parts)
        self.decoder = Decoder(num_classes, *stages, deep_supervision, self.parts)

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """``[b, c, (z,) y, x]`` to logits of the same spatial size (see Decoder.forward)."""
        logits: Tensor | list[Tensor] = self.decoder(self.encoder(image))
        return logits

    @staticmethod
    def initialize(module: nn.Module) -> None:
        """He initialisation for ReLU; nnU-Net applies it to every submodule of a new network."""
        initialize_convolution(module, 0.0)


def initialize_convolution(module: nn.Module, negative_slope: float) -> None:
    """He initialisation of a convolution before a (leaky) ReLU; any other module is left as it is."""
    if isinstance(module, CONVOLUTIONS):
        nn.init.kaiming_normal_(module.weight, a=negative_slope)
    elif isinstance(module, TRANSPOSED_CONVOLUTIONS):
        # kernel and stride are equal: a voxel sees one kernel element per channel, and no ReLU follows
        nn.init.normal_(module.weight, std=module.in_channels**-0.5)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
