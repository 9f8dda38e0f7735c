"""The combined system's U-Net (docs/method.md): max pooling down, interpolation up, skips concatenated.

The constructor follows the arguments that an nnU-Net v2 ``plans.json`` holds under ``arch_kwargs``, so that
nnU-Net's own predictor builds the same module from the same file.
"""

from torch import nn

from hnseg_infer.networks.building_blocks import linear_upsampler, stage
from hnseg_infer.networks.encoder_decoder import EncoderDecoder, Parts, initialize_convolution
from hnseg_infer.networks.unet_layout import LEAKY_SLOPE


class UNet(EncoderDecoder):
    """2D or 3D U-Net of two conv blocks a stage (leaky ReLU); arguments and shapes as ``EncoderDecoder``."""

    parts = Parts(block=stage, upsampler=linear_upsampler)

    @staticmethod
    def initialize(module: nn.Module) -> None:
        """He initialisation for leaky ReLU; nnU-Net applies it to every submodule of a new network."""
        initialize_convolution(module, LEAKY_SLOPE)
