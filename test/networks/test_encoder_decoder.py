"""What every architecture promises to nnU-Net and to the engines, 2D and 3D."""

import numpy as np
import pytest
import torch
from bundle_factory import ORGANS, write_model_folder
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from random_networks import settled_network
from tiny_networks import NETWORKS, PATCHES, arguments
from torch import nn

from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.engines.openvino_tracing import traced_graph
from hnseg_infer.engines.torch_engine import fold_batch_norm
from hnseg_infer.model_folder import read_model_folder
from hnseg_infer.networks.build import build_network
from hnseg_infer.networks.plain_unet import PlainUNet

every_network = pytest.mark.parametrize("name", NETWORKS)
every_patch = pytest.mark.parametrize("patch", PATCHES)


def nnunets(name: str, patch: tuple[int, ...], **more) -> nn.Module:
    """The network as nnU-Net's trainer makes it."""
    path, options = NETWORKS[name]
    torch.manual_seed(0)
    return get_network_from_plans(path, arguments(patch, **options), ["conv_op"], 1, 3, **more)


@every_network
@pytest.mark.parametrize(
    ("patch", "size"), [(PATCHES[0], (12, 20)), (PATCHES[0], (4, 4)), (PATCHES[1], (6, 12, 20))]
)
def test_logits_have_the_size_of_any_image_that_the_strides_divide(name, patch, size):
    network = nnunets(name, patch).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 1, *size)).shape == (2, 3, *size)


@every_network
@every_patch
def test_deep_supervision_reaches_every_parameter_and_can_be_switched(name, patch):
    network = nnunets(name, patch, deep_supervision=True)
    outputs = network(torch.randn(2, 1, *patch))
    sizes = [tuple(output.shape[2:]) for output in outputs]
    assert sizes[0] == patch
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == len(arguments(patch)["strides"]) - 1
    sum((output * torch.randn_like(output)).sum() for output in outputs).backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        # a key's bias shifts all of a softmax's terms alike
        if not parameter_name.endswith("key.bias"):
            assert parameter.grad.abs().max() > 0, parameter_name
    # as nnU-Net's set_deep_supervision_enabled does
    network.decoder.deep_supervision = False
    assert network.eval()(torch.zeros(1, 1, *patch)).shape == (1, 3, *patch)


@every_network
@every_patch
def test_traced_small_it_gives_the_same_logits_at_any_size(name, patch):
    path, options = NETWORKS[name]
    network = settled_network(path, arguments(patch, **options), 3, patch, seed=0)
    smallest = np.prod(arguments(patch)["strides"], axis=0).tolist()
    image = torch.randn(1, 1, *(2 * size for size in patch))
    with torch.inference_mode():
        traced = torch.jit.trace(network, torch.zeros(1, 1, *smallest), check_trace=False)
        torch.testing.assert_close(traced(image), network(image))


@every_network
@every_patch
def test_openvino_computes_the_same_logits(tmp_path, name, patch):
    path, options = NETWORKS[name]
    write_model_folder(tmp_path / "m", list(ORGANS), patch, seed=1, network=path, options=options)
    model = read_model_folder(tmp_path / "m")
    image = np.random.default_rng(3).normal(size=(1, 1, *patch)).astype(np.float32)
    network = build_network(model)
    expected = network(torch.from_numpy(image)).numpy()
    assert expected.std() > 0.1
    # what the torch engine does first
    folded = fold_batch_norm(network)(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(folded, expected, atol=1e-4)

    parameter, logits = traced_graph(model)
    compiled = openvino.Core().compile_model(
        openvino.Model([logits], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    np.testing.assert_allclose(compiled(image)[0], expected, atol=1e-3)


def test_transposed_convolutions_keep_the_variance():
    """Each output voxel sees one kernel element of every channel, whatever the stride."""
    torch.manual_seed(0)
    layer = nn.ConvTranspose3d(256, 128, (1, 2, 2), stride=(1, 2, 2))
    PlainUNet.initialize(layer)
    with torch.inference_mode():
        assert layer(torch.randn(1, 256, 4, 8, 8)).var().item() == pytest.approx(1.0, rel=0.1)
