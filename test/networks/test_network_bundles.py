"""A bundle of every architecture goes the whole road, and both engines give the same labels."""

from pathlib import Path

import numpy as np
import pytest
from bundle_factory import ORGANS, seal, write_model_folder
from synthetic_head import head_ct
from tiny_networks import NETWORKS

from hnseg_infer.bundle import load_bundle
from hnseg_infer.engines.torch_engine import TorchEngine
from hnseg_infer.errors import BundleError
from hnseg_infer.loaded_bundle import LoadedBundle
from hnseg_infer.pipeline import segment


def one_model(folder: Path, name: str, patch: tuple[int, ...]) -> Path:
    """A bundle whose only model is the network of that name; it sees the head window."""
    path, options = NETWORKS[name]
    write_model_folder(folder / "only", list(ORGANS), patch, seed=5, network=path, options=options)
    reseal(folder)
    return folder


def reseal(folder: Path) -> None:
    only = {"folder": "only", "crop": "head_window", "spacing": "native"}
    seal(folder, models={"only": only}, provider=dict.fromkeys(ORGANS, "only"))


@pytest.mark.parametrize(
    ("name", "patch"), [*((name, (8, 16, 16)) for name in NETWORKS), ("nnsam_vit", (32, 32))]
)
def test_openvino_and_torch_segment_alike(tmp_path, name, patch):
    bundle = load_bundle(one_model(tmp_path / "bundle", name, patch))
    engine = TorchEngine("cpu")
    network = bundle.models[0].network
    by_torch = LoadedBundle(
        bundle, engine.description, {"only": engine.load(network)}, lambda _: engine.load_ranker(network)
    )
    expected = segment(head_ct(), bundle=by_torch).labels.array
    found = segment(head_ct(), bundle=bundle, device="cpu", precision="f32")
    assert found.device == "cpu (openvino f32)"
    assert len(np.unique(expected)) == 5
    # rounding decides where two classes tie
    assert (found.labels.array != expected).mean() < 1e-4


def test_a_branch_that_cannot_be_built_is_refused(tmp_path):
    folder = one_model(tmp_path / "bundle", "nnsam", (8, 16, 16))
    plans = folder / "only/plans.json"
    plans.write_text(plans.read_text().replace('"dropout"', '"vit_bottleneck": {"wings": 2}, "dropout"'))
    reseal(folder)
    with pytest.raises(BundleError, match="wings"):
        load_bundle(folder)
