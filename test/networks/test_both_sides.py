"""A tile seen from both sides, against two plain passes and numpy's mirror."""

import dataclasses

import numpy as np
import pytest
import torch
from bundle_factory import make_bundle

from hnseg_infer.bundle import load_bundle
from hnseg_infer.engines.openvino_engine import OpenVINOEngine
from hnseg_infer.engines.torch_engine import TorchEngine
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.networks.both_sides import BothSides, seen_from_both_sides
from hnseg_infer.networks.build import build_network

OTHER_SIDE = (0, 2, 1, 3, 4)

TILES = {"2d": (1, 32, 32), "3d": (8, 16, 16)}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NetworkModel]:
    bundle = load_bundle(make_bundle(tmp_path_factory.mktemp("bundle")))
    found = {model.name: model.network for model in bundle.models if model.name in TILES}
    assert {network.classes for network in found.values()} == {len(OTHER_SIDE)}
    return {name: dataclasses.replace(network, other_side=OTHER_SIDE) for name, network in found.items()}


def tile(name: str) -> np.ndarray:
    return np.random.default_rng(3).normal(size=TILES[name]).astype(np.float32)


def expected_logits(model: NetworkModel, image: np.ndarray) -> np.ndarray:
    """``[class, z, y, x]`` by two passes of the plain network."""
    network = build_network(model)

    def logits(of: np.ndarray) -> np.ndarray:
        shaped = torch.from_numpy(np.ascontiguousarray(of).reshape(1, 1, *model.patch))
        with torch.inference_mode():
            return network(shaped)[0].reshape(model.classes, *of.shape).numpy()

    in_mirror = logits(image[:, :, ::-1])
    exchanged = np.stack([in_mirror[other][:, :, ::-1] for other in OTHER_SIDE])
    return (logits(image) + exchanged) / 2


@pytest.mark.parametrize("name", TILES)
def test_logits_are_the_mean_of_two_passes(networks: dict[str, NetworkModel], name: str) -> None:
    model = networks[name]
    asked = seen_from_both_sides(build_network(model), model)
    image = tile(name)
    with torch.inference_mode():
        found = asked(torch.from_numpy(image.reshape(1, 1, *model.patch)))[0]
    expected = expected_logits(model, image)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize("engine", [TorchEngine("cpu"), OpenVINOEngine("f32")])
@pytest.mark.parametrize("name", TILES)
def test_engines_ask_about_both_sides(
    networks: dict[str, NetworkModel], name: str, engine: TorchEngine | OpenVINOEngine
) -> None:
    image = tile(name)
    expected = expected_logits(networks[name], image).argmax(axis=0)
    assert len(np.unique(expected)) > 2
    assert (engine.load(networks[name])(image).labels == expected).mean() >= 0.999
    alone = dataclasses.replace(networks[name], other_side=None)
    assert (engine.load(alone)(image).labels == expected).mean() < 0.95


@pytest.mark.parametrize("engine", [TorchEngine("cpu"), OpenVINOEngine()])
def test_a_mirrored_image_gets_the_exchanged_labels(
    networks: dict[str, NetworkModel], engine: TorchEngine | OpenVINOEngine
) -> None:
    image = tile("3d")
    direct = engine.load(networks["3d"])(image).labels
    mirrored = engine.load(networks["3d"])(np.ascontiguousarray(image[:, :, ::-1])).labels
    exchanged = np.array(OTHER_SIDE)[mirrored[:, :, ::-1]]
    # which of two equal logits is the larger one is a matter of rounding
    assert (direct == exchanged).mean() >= 0.99


def test_any_other_network_stays_as_it_is(networks: dict[str, NetworkModel]) -> None:
    model = dataclasses.replace(networks["3d"], other_side=None)
    network = build_network(model)
    assert seen_from_both_sides(network, model) is network
    assert "other_side" not in BothSides(network, OTHER_SIDE).state_dict()
