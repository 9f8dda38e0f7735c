"""Networks with random weights, seeded: the tests' tiny ones, and those of ``paper_bundle.py``.

Good for: time, memory, and whether two ways of computing a network are the same computation. Not good for
accuracy; and as a measure of rounding they are the worst case. A trained network is sure of most voxels, and
rounding moves labels only where organs meet; here the classes lie as close together everywhere as chance puts
them. ``against_nnunet.py`` therefore measures agreement on trained weights as well.
"""

import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import nn

from hnseg_infer.networks.unet import UNet


def random_network(arch_kwargs: Mapping[str, Any], classes: int, seed: int) -> UNet:
    """A U-Net from the ``arch_kwargs`` of an nnU-Net ``plans.json``, in single precision.

    Activations neither grow nor vanish with depth, and all classes occur: a filter's weights sum to zero, so
    that no channel's mean decides over a logit. Batch norm has statistics that are not those of a new layer.
    """
    convolution = getattr(nn, str(arch_kwargs["conv_op"]).rpartition(".")[2])
    with torch.device("meta"):
        network = UNet(1, classes, **{**arch_kwargs, "conv_op": convolution})
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            weight = module.weight.data
            fan_in = math.prod(weight.shape[1:])
            weight.normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)
            weight -= weight.mean(dim=tuple(range(1, weight.ndim)), keepdim=True)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.reset_parameters()
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0.0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    return network


def settled_network(
    class_path: str, arch_kwargs: Mapping[str, Any], classes: int, patch: Sequence[int], seed: int
) -> nn.Module:
    """A new network after a look at noise: batch norm knows its features, and no class leads everywhere."""
    module, _, name = class_path.rpartition(".")
    convolution = getattr(nn, str(arch_kwargs["conv_op"]).rpartition(".")[2])
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        network: Any = getattr(import_module(module), name)(
            1, classes, **{**arch_kwargs, "conv_op": convolution}
        )
        network.apply(network.initialize)
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
                layer.momentum = 1.0
        noise = torch.randn(4, 1, *patch)
        network.train()(noise)
        logits = network.eval()(noise)
        network.decoder.heads[-1].bias -= logits.transpose(0, 1).flatten(1).mean(dim=1)
    return network
