"""The combined system's U-Net (docs/method.md): max pooling down, interpolation up, skips concatenated.

The constructor follows the arguments that an nnU-Net v2 ``plans.json`` holds under ``arch_kwargs``, so that
nnU-Net's own predictor builds the same module from the same file.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hnseg_infer.networks.building_blocks import POOLS, LinearUpsample, Size, stage
from hnseg_infer.networks.unet_layout import LEAKY_SLOPE


class Encoder(nn.Module):
    """Stages of two conv blocks, max pooling between them; returns every stage's features, finest first."""

    def __init__(
        self,
        input_channels: int,
        features: Sequence[int],
        conv_op: type[nn.Module],
        kernel_sizes: Sequence[Size],
        strides: Sequence[Size],
        dropout: float,
    ) -> None:
        super().__init__()
        channels = [input_channels, *features[:-1]]
        self.stages = nn.ModuleList(
            stage(conv_op, before, after, kernel, dropout)
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
    """Interpolation, concatenation, two conv blocks per stage; a 1 x 1 head at each for deep supervision."""

    def __init__(
        self,
        num_classes: int,
        features: Sequence[int],
        conv_op: type[nn.Module],
        kernel_sizes: Sequence[Size],
        strides: Sequence[Size],
        dropout: float,
        deep_supervision: bool,
    ) -> None:
        super().__init__()
        self.deep_supervision = deep_supervision
        levels = range(len(features) - 2, -1, -1)
        self.upsamples = nn.ModuleList(LinearUpsample(conv_op, strides[level + 1]) for level in levels)
        self.stages = nn.ModuleList(
            stage(
                conv_op, features[level + 1] + features[level], features[level], kernel_sizes[level], dropout
            )
            for level in levels
        )
        self.heads = nn.ModuleList(conv_op(features[level], num_classes, 1) for level in levels)

    def forward(self, skips: list[Tensor]) -> Tensor | list[Tensor]:
        """Logits ``[b, class, (z,) y, x]``; with deep supervision a list of them, finest first."""
        features = skips[-1]
        last = len(self.stages) - 1
        logits: list[Tensor] = []
        for index, skip in enumerate(reversed(skips[:-1])):
            features = self.stages[index](torch.cat((self.upsamples[index](features), skip), dim=1))
            if self.deep_supervision or index == last:
                logits.append(self.heads[index](features))
        return logits[::-1] if self.deep_supervision else logits[-1]


class UNet(nn.Module):
    """2D or 3D U-Net.

    features_per_stage, kernel_sizes and strides have one entry per stage, finest first; strides[0] is 1 along
    every axis. Raises ValueError when their lengths differ.
    """

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
        self.encoder = Encoder(input_channels, features_per_stage, conv_op, kernel_sizes, strides, dropout)
        self.decoder = Decoder(
            num_classes, features_per_stage, conv_op, kernel_sizes, strides, dropout, deep_supervision
        )

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """``[b, c, (z,) y, x]`` to logits of the same spatial size (see Decoder.forward)."""
        logits: Tensor | list[Tensor] = self.decoder(self.encoder(image))
        return logits

    @staticmethod
    def initialize(module: nn.Module) -> None:
        """He initialisation for leaky ReLU; nnU-Net applies it to every submodule of a new network."""
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, a=LEAKY_SLOPE)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
