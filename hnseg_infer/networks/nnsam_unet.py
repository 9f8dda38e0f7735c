"""nnSAM-UNet, the second publication's network (docs/method.md): residual blocks with attention in a U-Net.

A block is twice convolution, batch norm, ReLU, recalibrated in channel and space, plus the identity path;
the publication calls it the residual-SAM block. Its sources are He et al. (CVPR 2016) for the residual block
and Roy et al. (MICCAI 2018) for the recalibration. Decided, where it is silent: the recalibration is
concurrent squeeze-and-excitation that halves the channels, as Roy et al. do; the second ReLU follows the
sum, as He et al. do; where channels change, the identity path is a 1 x 1 convolution with batch norm.
Segment Anything's parts are an optional branch (vit_bottleneck.py). Max pooling, transposed convolution and
the depth of nnU-Net's rule (topology.py), like the networks it is compared with.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from hnseg_infer.networks.building_blocks import Size, conv_block, relu, transposed_upsampler
from hnseg_infer.networks.encoder_decoder import EncoderDecoder, Parts
from hnseg_infer.networks.squeeze_excitation import ConcurrentRecalibration
from hnseg_infer.networks.vit_bottleneck import VitBottleneck, VitSizes

REDUCTION = 2
"""Of Roy et al."""


class ResidualSAMBlock(nn.Module):
    """``relu(scSE(norm(conv(relu(norm(conv(x)))))) + identity(x))``; keeps the spatial size."""

    def __init__(
        self,
        conv_op: type[nn.Module],
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        dropout: float,
    ) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            conv_block(conv_op, in_channels, out_channels, kernel_size, dropout, relu),
            conv_block(conv_op, out_channels, out_channels, kernel_size, dropout, nn.Identity),
        )
        self.recalibration = ConcurrentRecalibration(conv_op, out_channels, REDUCTION)
        self.identity: nn.Module = nn.Identity()
        if in_channels != out_channels:
            point = [1] * len(kernel_size)
            self.identity = conv_block(conv_op, in_channels, out_channels, point, 0.0, nn.Identity)

    def forward(self, features: Tensor) -> Tensor:
        """``[b, c, (z,) y, x]`` to ``[b, out channel, (z,) y, x]``."""
        recalibrated = self.recalibration(self.convolutions(features))
        return functional.relu(recalibrated + self.identity(features))


class NNSAMUNet(EncoderDecoder):
    """2D or 3D nnSAM-UNet; arguments and shapes as ``EncoderDecoder``, all but the first two by name.

    vit_bottleneck: the branch with Segment Anything's parts, off by default; True, or the entries of
    ``VitSizes`` that are not to be its defaults. Raises ValueError when its patches do not fit the strides.
    """

    parts = Parts(block=ResidualSAMBlock, upsampler=transposed_upsampler)

    def __init__(
        self,
        input_channels: int,
        num_classes: int,
        *,
        features_per_stage: Sequence[int],
        conv_op: type[nn.Module],
        strides: Sequence[Size],
        vit_bottleneck: bool | Mapping[str, Any] = False,
        **others: Any,
    ) -> None:
        super().__init__(
            input_channels,
            num_classes,
            features_per_stage=features_per_stage,
            conv_op=conv_op,
            strides=strides,
            **others,
        )
        self.vit: VitBottleneck | None = None
        if vit_bottleneck is not False:
            sizes = VitSizes() if vit_bottleneck is True else VitSizes(**vit_bottleneck)
            self.vit = VitBottleneck(
                conv_op, input_channels, num_classes, features_per_stage[-1], strides, sizes
            )

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """``[b, c, (z,) y, x]`` to logits of the same spatial size (see Decoder.forward)."""
        skips = self.encoder(image)
        if self.vit is not None:
            skips[-1] = skips[-1] + self.vit(image)
        logits: Tensor | list[Tensor] = self.decoder(skips)
        return logits

    @staticmethod
    def initialize(module: nn.Module) -> None:
        """He initialisation for ReLU; small weights in the branch's linear layers."""
        EncoderDecoder.initialize(module)
        VitBottleneck.initialize(module)
