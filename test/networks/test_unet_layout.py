"""The layout against the torch module that it describes."""

import pytest
from tiny_networks import arguments
from torch import nn

from hnseg_infer.networks.unet import UNet
from hnseg_infer.networks.unet_layout import CLASS_PATH, CONVOLUTIONS, unet_layout

CONV_CLASSES = {"torch.nn.modules.conv.Conv2d": nn.Conv2d, "torch.nn.modules.conv.Conv3d": nn.Conv3d}


@pytest.mark.parametrize(
    ("patch", "more"),
    [((64, 32), {}), ((32, 64, 64), {"dropout": 0.2}), ((16, 64, 32), {"dropout": 0.0}), ((4, 4), {})],
)
def test_weights_are_those_of_the_module(patch, more):
    stated = arguments(patch, 4, 16, **more)
    layout = unet_layout(CLASS_PATH, stated, 5)
    assert layout is not None
    network = UNet(1, 5, **{**stated, "conv_op": CONV_CLASSES[stated["conv_op"]]})
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert dict(layout.weight_shapes()) == expected
    assert layout.axes == len(patch)
    assert layout.takes(patch)


def test_class_paths_are_torchs():
    for path, kind in CONV_CLASSES.items():
        assert f"{kind.__module__}.{kind.__qualname__}" == path
    assert CONVOLUTIONS.keys() == CONV_CLASSES.keys()
    assert f"{UNet.__module__}.{UNet.__qualname__}" == CLASS_PATH


def test_patches_that_cannot_be_pooled():
    layout = unet_layout(CLASS_PATH, arguments((16, 64, 64), 4, 8), 2)
    assert layout is not None
    # 64 is pooled four times, 16 twice
    assert layout.takes((4, 16, 32))
    assert not layout.takes((4, 16, 24))
    assert not layout.takes((6, 16, 16))
    assert not layout.takes((16, 16))


@pytest.mark.parametrize(
    "changes",
    [{"conv_op": "os.system"}, {"attention": True}, {"conv_op": None}],
)
def test_other_networks_have_no_layout(changes):
    assert unet_layout(CLASS_PATH, {**arguments((16, 16), 4, 8), **changes}, 2) is None
    assert unet_layout("torch.nn.Conv2d", arguments((16, 16), 4, 8), 2) is None


@pytest.mark.parametrize(
    "changes", [{"n_stages": 7}, {"strides": [[1], [2], [2]]}, {"features_per_stage": 3}]
)
def test_contradictions_are_refused(changes):
    with pytest.raises((ValueError, TypeError)):
        unet_layout(CLASS_PATH, {**arguments((16, 16), 4, 8), **changes}, 2)
