"""The graph built without torch against the torch module; the split of an image into bfloat16 parts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_factory import ORGANS, make_bundle, write_model_folder

from hnseg_infer.bundle import load_bundle
from hnseg_infer.engines.openvino_graph import bfloat16_part, split_image, unet_graph
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.engines.openvino_tracing import traced_graph
from hnseg_infer.model_folder import NetworkModel, read_model_folder
from hnseg_infer.networks.build import build_network


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> dict[str, NetworkModel]:
    bundle = load_bundle(make_bundle(tmp_path_factory.mktemp("bundle")))
    return {model.name: model.network for model in bundle.models}


def run(graph, image: np.ndarray, precision: str = "f32") -> np.ndarray:
    parameter, logits = graph
    compiled = openvino.Core().compile_model(
        openvino.Model([logits], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": precision}
    )
    return compiled(image)[0]


def example(model: NetworkModel) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(1, 1, *model.patch)).astype(np.float32)


@pytest.mark.parametrize("name", ["2d", "3d", "3d_small"])
@pytest.mark.parametrize("split", [False, True])
def test_logits_are_the_modules(networks, name, split):
    model = networks[name]
    image = example(model)
    expected = build_network(model)(torch.from_numpy(image)).numpy()
    assert model.layout is not None
    shown = image
    if split:
        shown = np.empty((1, 3, *model.patch), dtype=np.float32)
        split_image(image[0, 0], shown[0])
    found = run(unet_graph(model, model.layout, split), shown)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    # values differ from voxel to voxel, so that a shifted or flipped map would show
    assert expected.std() > 0.1


@pytest.mark.parametrize("name", ["2d", "3d"])
def test_logits_are_not_rounded_to_bfloat16(networks, name):
    """The last convolution by numpy, from the features that the bfloat16 network gives it."""
    model = networks[name]
    assert model.layout is not None
    parameter, logits = unet_graph(model, model.layout, False)
    features = logits.input_value(0).get_node().input_value(0).get_node()
    compiled = openvino.Core().compile_model(
        openvino.Model([logits, features], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": "bf16"}
    )
    found, seen = compiled(example(model)).values()
    head, _ = model.layout.heads[-1]
    kernel, bias = (model.weights[f"{head}.{part}"].astype(float) for part in ("weight", "bias"))
    expected = np.einsum("oc,nc...->no...", kernel.reshape(kernel.shape[:2]), seen.astype(float))
    expected += bias.reshape(-1, *(1,) * (expected.ndim - 2))
    np.testing.assert_allclose(found, expected, atol=2e-5)
    # rounded logits would be seen: they are further off
    assert np.abs(bfloat16_part(found) - expected).max() > 1e-3


def test_a_traced_network_gives_the_same_logits(networks):
    model = networks["3d"]
    image = example(model)
    expected = build_network(model)(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(run(traced_graph(model), image), expected, atol=2e-5)


def test_dropout_changes_no_weight_names(tmp_path: Path):
    """The factory's networks have dropout; one without has its norms one place earlier."""
    write_model_folder(tmp_path / "m", list(ORGANS), (32, 32), seed=4, dropout=0.0)
    model = read_model_folder(tmp_path / "m")
    assert "encoder.stages.0.0.1.running_mean" in model.weights
    assert model.layout is not None
    image = example(model)
    expected = build_network(model)(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(run(unet_graph(model, model.layout, False), image), expected, atol=2e-5)


def test_bfloat16_parts_are_torchs():
    values = np.random.default_rng(1).normal(size=10_000).astype(np.float32) * 10
    # halfway between two bfloat16 numbers, and the ends
    values[:4] = [1.00390625, 1.01171875, 0.0, -0.0]
    expected = torch.from_numpy(values).bfloat16().float().numpy()
    np.testing.assert_array_equal(bfloat16_part(values), expected)


def test_two_parts_hold_sixteen_bits():
    image = np.random.default_rng(2).normal(size=(5, 6)).astype(np.float32)
    channels = np.full((3, 5, 6), np.nan, dtype=np.float32)
    split_image(image, channels)
    np.testing.assert_array_equal(channels[0], channels[2])
    np.testing.assert_array_equal(channels[0] + channels[1], image)
    rounded = channels[0] + bfloat16_part(channels[1])
    assert np.abs(rounded / image - 1).max() < 2.0**-16
    assert np.abs(channels[0] / image - 1).max() > 2.0**-10
