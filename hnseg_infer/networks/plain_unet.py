"""The plain U-Net that the second publication is compared with (docs/method.md).

Ronneberger, Fischer, Brox: "U-Net", MICCAI 2015; in 3D Cicek et al., MICCAI 2016. Decided, so that the
networks of the comparison differ in one thing each: batch norm, kernels that keep the spatial size, and the
depth, kernels and pooling of nnU-Net's rule (topology.py).
"""

from hnseg_infer.networks.building_blocks import relu_stage, transposed_upsampler
from hnseg_infer.networks.encoder_decoder import EncoderDecoder, Parts


class PlainUNet(EncoderDecoder):
    """2D or 3D U-Net: twice convolution, batch norm, ReLU a stage; max pooling, transposed convolution.

    Arguments and shapes as ``EncoderDecoder``.
    """

    parts = Parts(block=relu_stage, upsampler=transposed_upsampler)
