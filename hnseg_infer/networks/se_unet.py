"""The SE U-Net that the second publication is compared with (docs/method.md).

Channel squeeze-and-excitation (Hu, Shen, Sun, CVPR 2018) in a U-Net. The publication does not say where it
stands or how narrow it is; decided: after both convolutions of every encoder and decoder stage, as Roy et al.
(MICCAI 2018) place it, with the reduction of Hu et al. All else is ``plain_unet.py``.
"""

from torch import nn

from hnseg_infer.networks.building_blocks import Size, relu_stage, transposed_upsampler
from hnseg_infer.networks.encoder_decoder import EncoderDecoder, Parts
from hnseg_infer.networks.squeeze_excitation import ChannelRecalibration

REDUCTION = 16
"""Of Hu et al."""


def recalibrated_stage(
    conv_op: type[nn.Module], in_channels: int, out_channels: int, kernel_size: Size, dropout: float
) -> nn.Sequential:
    """The plain U-Net's stage, then one factor per channel."""
    return nn.Sequential(
        relu_stage(conv_op, in_channels, out_channels, kernel_size, dropout),
        ChannelRecalibration(conv_op, out_channels, REDUCTION),
    )


class SEUNet(EncoderDecoder):
    """2D or 3D U-Net with channel squeeze-and-excitation; arguments and shapes as ``EncoderDecoder``."""

    parts = Parts(block=recalibrated_stage, upsampler=transposed_upsampler)
