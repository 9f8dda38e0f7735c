"""The plain U-Net against a plain composition of torch's functions."""

import torch
from tiny_networks import arguments
from torch import Tensor, nn
from torch.nn import functional

from hnseg_infer.networks.plain_unet import PlainUNet


def twice(state: dict[str, Tensor], name: str, features: Tensor) -> Tensor:
    for index in range(2):
        features = functional.conv2d(features, state[f"{name}.{index}.0.weight"], padding=1)
        norm = [state[f"{name}.{index}.1.{part}"] for part in ("running_mean", "running_var")]
        features = functional.relu(functional.batch_norm(features, *norm))
    return features


def test_two_stages_written_out():
    torch.manual_seed(0)
    kwargs = {**arguments((8, 8)), "conv_op": nn.Conv2d}
    assert kwargs["strides"] == [[1, 1], [2, 2]]
    network = PlainUNet(1, 3, **kwargs).eval()
    state = network.state_dict()
    image = torch.randn(2, 1, 8, 12)
    skip = twice(state, "encoder.stages.0", image)
    below = twice(state, "encoder.stages.1", functional.max_pool2d(skip, 2))
    up = functional.conv_transpose2d(below, state["decoder.upsamples.0.weight"], stride=2)
    features = twice(state, "decoder.stages.0", torch.cat((up, skip), dim=1))
    expected = functional.conv2d(features, state["decoder.heads.0.weight"], state["decoder.heads.0.bias"])
    torch.testing.assert_close(network(image), expected)
