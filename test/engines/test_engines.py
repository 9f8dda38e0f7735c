"""Engines against each other, on the same random networks and images."""

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_factory import make_bundle

from hnseg_infer.bundle import load_bundle
from hnseg_infer.class_maps import ClassMap
from hnseg_infer.engines import openvino_engine
from hnseg_infer.engines.engine import _driver_sees_a_gpu, select_engine
from hnseg_infer.engines.openvino_engine import OpenVINOEngine, OpenVINONetwork
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.engines.torch_engine import TorchEngine, fold_batch_norm
from hnseg_infer.errors import DeviceError
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.networks.build import build_network

TORCH = TorchEngine("cpu")

SHAPES = {"2d": (5, 40, 50), "3d": (20, 30, 24), "3d_small": (8, 16, 16)}


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> dict[str, NetworkModel]:
    bundle = load_bundle(make_bundle(tmp_path_factory.mktemp("bundle")))
    return {model.name: model.network for model in bundle.models}


def image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def test_torch_labels_are_the_networks_arg_max(networks):
    """One tile: no accumulation, so the labels are those of a plain forward pass."""
    network = build_network(networks["3d"])
    tile = image((8, 16, 16))
    with torch.inference_mode():
        expected = network(torch.from_numpy(tile)[None, None])[0].argmax(dim=0).numpy()
    labels = TorchEngine("cpu").load(networks["3d"])(tile).labels
    assert labels.dtype == np.uint8
    assert len(np.unique(expected)) == 5
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("name", SHAPES)
def test_openvino_in_single_precision_agrees_with_torch(networks, name):
    expected = TorchEngine("cpu").load(networks[name])(image(SHAPES[name])).labels
    labels = OpenVINOEngine("f32").load(networks[name])(image(SHAPES[name])).labels
    assert len(np.unique(expected)) > 2
    assert (labels == expected).mean() >= 0.999


@pytest.mark.parametrize("name", SHAPES)
def test_reduced_precision_agrees_up_to_near_ties(networks, name):
    """bfloat16 keeps 8 bits, float16 11; random networks have many near-ties, trained ones few."""
    expected = TorchEngine("cpu").load(networks[name])(image(SHAPES[name])).labels
    half = TorchEngine("cpu", "f16").load(networks[name])(image(SHAPES[name])).labels
    brain_float = OpenVINOEngine().load(networks[name])(image(SHAPES[name])).labels
    assert (half == expected).mean() >= 0.98
    assert (brain_float == expected).mean() >= 0.93


@pytest.mark.parametrize("engine", [TorchEngine("cpu"), OpenVINOEngine(), OpenVINOEngine("f32")])
def test_images_do_not_leave_traces_in_reused_buffers(networks, engine):
    labeller = engine.load(networks["3d"])
    first = labeller(image(SHAPES["3d"]))
    labeller(-image((9, 40, 17)))
    again = labeller(image(SHAPES["3d"]))
    np.testing.assert_array_equal(again.labels, first.labels)
    np.testing.assert_array_equal(again.entropy, first.entropy)


@pytest.mark.parametrize("name", SHAPES)
def test_openvino_and_torch_are_equally_sure(networks, name):
    found = [engine.load(networks[name])(image(SHAPES[name])) for engine in (TORCH, OpenVINOEngine("f32"))]
    assert np.nanmin(found[0].entropy) > 0.1
    np.testing.assert_allclose(found[1].entropy, found[0].entropy, rtol=0.01)


@pytest.mark.parametrize("name", SHAPES)
def test_openvino_and_torch_rank_alike(networks, name):
    torch_found, found = (
        engine.load_ranker(networks[name])(image(SHAPES[name])) for engine in (TORCH, OpenVINOEngine("f32"))
    )
    assert (found.classes[..., 0] == TORCH.load(networks[name])(image(SHAPES[name])).labels).mean() > 0.999
    assert (found.classes == torch_found.classes).mean() > 0.99
    difference = np.abs(found.probabilities.astype(float) - torch_found.probabilities)
    assert difference.max() < 0.01
    np.testing.assert_allclose(found.entropy, torch_found.entropy, rtol=0.01)


@pytest.mark.parametrize("name", SHAPES)
def test_one_thread_that_is_tied_to_no_cpu_gives_the_same_bytes(networks, monkeypatch, name):
    expected = OpenVINOEngine().load(networks[name])(image(SHAPES[name]))
    monkeypatch.setattr(openvino_engine, "granted_cpus", lambda: 1)
    monkeypatch.setattr(openvino_engine, "shares_cpus", lambda: True)
    network = OpenVINONetwork(openvino.Core(), networks[name], "f32")
    network.prepare(overlapping=False)
    compiled = network._labels_request.get_compiled_model()
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
    assert not compiled.get_property("ENABLE_CPU_PINNING")
    found = OpenVINOEngine().load(networks[name])(image(SHAPES[name]))
    assert found.labels.tobytes() == expected.labels.tobytes()
    assert found.entropy.tobytes() == expected.entropy.tobytes()


def test_torch_runs_with_deterministic_cudnn(networks, monkeypatch):
    """What a GPU would see; the flags are as before afterwards."""
    seen = []

    def spy(_network, image, *_others):
        seen.append(
            (torch.backends.cudnn.enabled, torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
        )
        return ClassMap(np.zeros(image.shape, np.uint8), np.zeros(5))

    monkeypatch.setattr("hnseg_infer.engines.torch_engine.label_tiles", spy)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    TorchEngine("cpu").load(networks["2d"])(image((1, 32, 32)))
    assert seen == [(True, True, False)]
    assert torch.backends.cudnn.benchmark


def test_device_names(monkeypatch):
    monkeypatch.setattr("hnseg_infer.engines.engine._driver_sees_a_gpu", lambda: False)
    assert select_engine("auto").description.startswith("cpu (openvino ")
    assert select_engine("cpu").description.startswith("cpu (openvino ")
    with pytest.raises(DeviceError, match="cuda"):
        select_engine("cuda")
    with pytest.raises(DeviceError, match="'tpu'"):
        select_engine("tpu")


def test_a_gpu_is_one_that_the_driver_counts(monkeypatch):
    class Driver:
        def __init__(self, started, gpus):
            self.started, self.gpus = started, gpus

        def cuInit(self, _flags):  # noqa: N802  # the driver's name
            return self.started

        def cuDeviceGetCount(self, count):  # noqa: N802  # the driver's name
            count._obj.value = self.gpus
            return 0

    for started, gpus, expected in ((0, 1, True), (0, 0, False), (100, 1, False)):
        driver = Driver(started, gpus)
        monkeypatch.setattr(ctypes, "CDLL", lambda _name, driver=driver: driver)
        assert _driver_sees_a_gpu() is expected

    def not_there(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", not_there)
    assert not _driver_sees_a_gpu()


def test_unknown_precisions_are_refused():
    with pytest.raises(DeviceError, match="int4"):
        TorchEngine("cpu", "int4")
    with pytest.raises(DeviceError, match="f16"):
        OpenVINOEngine("f16")


def test_descriptions_name_library_and_precision():
    assert TorchEngine("cpu").description == "cpu (torch float32)"
    assert OpenVINOEngine("f32").description == "cpu (openvino f32)"


def test_the_torch_engine_folds_batch_norm(networks):
    network = build_network(networks["3d"])
    tile = torch.from_numpy(image((8, 16, 16)))[None, None]
    expected = network(tile)
    folded = fold_batch_norm(network)
    assert not [module for module in folded.modules() if isinstance(module, torch.nn.BatchNorm3d)]
    torch.testing.assert_close(folded(tile), expected, atol=1e-5, rtol=1e-5)


def test_a_norm_that_no_convolution_precedes_stays():
    layers = [
        torch.nn.Conv2d(1, 2, 1),
        torch.nn.ReLU(),
        torch.nn.BatchNorm2d(2),
        torch.nn.BatchNorm2d(2),
        torch.nn.Conv2d(2, 2, 1, bias=False),
        torch.nn.Dropout2d(),
        torch.nn.BatchNorm2d(2),
    ]
    network = torch.nn.Sequential(*layers).eval()
    for norm in (layers[2], layers[3], layers[6]):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    tile = torch.from_numpy(image((1, 1, 8, 8)))
    expected = network(tile)
    folded = fold_batch_norm(network)
    kinds = [type(layer).__name__ for layer in folded]
    assert kinds == ["Conv2d", "ReLU", "BatchNorm2d", "BatchNorm2d", "Conv2d", "Dropout2d", "Identity"]
    torch.testing.assert_close(folded(tile), expected, atol=1e-6, rtol=1e-5)


def test_nothing_phones_home_and_torch_stays_out(tmp_path):
    """A case in a fresh process without torch; what reports to OpenVINO's maker is not loaded either."""
    program = """
import sys
from pathlib import Path
sys.modules["torch"] = None
from synthetic_head import head_ct
from hnseg_infer.pipeline import segment
assert segment(head_ct(), bundle=Path(sys.argv[1])).labels.array.any()
loaded = [name for name, module in sys.modules.items() if name.startswith("openvino_telemetry") and module]
sys.exit(f"loaded: {loaded}" if loaded else 0)
"""
    make_bundle(tmp_path / "bundle")
    root = Path(__file__).resolve().parents[2]
    places = (root, root / "test", root / "benchmarks")
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "bundle")],
        check=True,
        env={"PYTHONPATH": ":".join(map(str, places)), "HOME": str(tmp_path)},
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]
