"""Where the SE U-Net recalibrates."""

import torch
from tiny_networks import arguments
from torch import nn

from hnseg_infer.networks.plain_unet import PlainUNet
from hnseg_infer.networks.se_unet import SEUNet
from hnseg_infer.networks.squeeze_excitation import ChannelRecalibration


def recalibrated_name(name: str) -> str:
    """The SE U-Net's name of a plain U-Net's weight."""
    side, part, index, rest = name.split(".", 3)
    return f"{side}.{part}.{index}.0.{rest}" if part == "stages" else name


def test_every_stage_ends_with_a_recalibration():
    network = SEUNet(1, 2, **{**arguments((32, 32)), "conv_op": nn.Conv2d})
    stages = [*network.encoder.stages, *network.decoder.stages]
    assert len(stages) == 7
    assert all(isinstance(stage[-1], ChannelRecalibration) for stage in stages)


def test_with_factors_of_one_it_is_the_plain_unet():
    torch.manual_seed(0)
    kwargs = {**arguments((16, 32, 32)), "conv_op": nn.Conv3d}
    network, plain = SEUNet(1, 2, **kwargs).eval(), PlainUNet(1, 2, **kwargs).eval()
    # the stage of the plain U-Net is the first part of the recalibrated one
    state = network.state_dict()
    plain.load_state_dict({name: state[recalibrated_name(name)] for name in plain.state_dict()})
    for module in network.modules():
        if isinstance(module, ChannelRecalibration):
            module.channel.layers[2].bias.data.fill_(50.0)
    image = torch.randn(1, 1, 16, 32, 32)
    torch.testing.assert_close(network(image), plain(image))
