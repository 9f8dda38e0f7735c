"""nnU-Net v2's own predictor runs each model folder of a bundle and gives our labels.

It is fed the same preprocessed image and computes in single precision throughout. Left to itself it weights
and accumulates in half precision, in which the weights at tile corners are the smallest numbers there are:
random networks, whose classes lie close together, then lose voxels to rounding.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_factory import make_bundle
from nnunet_predictor import load_predictor, predict_logits, single_precision_sums
from synthetic_head import head_ct

from hnseg_infer.bundle import load_bundle
from hnseg_infer.engines.openvino_engine import OpenVINOEngine
from hnseg_infer.engines.torch_engine import TorchEngine
from hnseg_infer.head_place import head_center
from hnseg_infer.preprocessing import labels_center, normalized, z_score
from hnseg_infer.views import axial_window, cut, roi_window
from hnseg_train.phantom import generate

AGREEMENT = 0.999
"""Least share of voxels with the same label."""

WINDOWS = {
    "2d": np.s_[5:13, :, :],
    "3d": np.s_[:, 10:50, 8:44],
    "3d_small": np.s_[10:18, 20:36, 20:36],
    "3d_small beyond the edge": np.s_[24:30, 20:36, 40:48],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


def nnunet_labels(model_folder: Path, image: np.ndarray) -> np.ndarray:
    """Labels of nnU-Net's predictor, initialised from the folder as its command line does."""
    predictor = load_predictor(model_folder, "cpu")
    # a bundle's models are never mirrored at inference
    assert predictor.allowed_mirroring_axes is None
    with single_precision_sums():
        logits = predict_logits(predictor, image)
    assert logits.dtype == torch.float32
    return logits.argmax(dim=0).numpy()


@pytest.mark.parametrize("engine", [TorchEngine("cpu"), OpenVINOEngine("f32")], ids=["torch", "openvino"])
@pytest.mark.parametrize("window", WINDOWS)
def test_tiny_models_agree(folder, window, engine):
    name = window.split()[0]
    (model,) = [model for model in load_bundle(folder).models if model.name == name]
    image = z_score(head_ct().array[WINDOWS[window]])
    expected = nnunet_labels(folder / name, image)
    assert len(np.unique(expected)) > 2
    assert (engine.load(model.network)(image).labels == expected).mean() >= AGREEMENT


@pytest.fixture(scope="module")
def views() -> dict[str, tuple[np.ndarray, slice]]:
    """The HU that each shipped model sees of a generated patient, and the slices to compare."""
    patient = generate(31, 1)
    hu, labels = patient.ct.array, patient.labels.array
    center = labels_center(labels, (8, 11))
    assert center is not None
    level = int(center[0])
    spacing = patient.ct.geometry.spacing_zyx
    head = head_center(hu, spacing)
    window = axial_window("head_window", (32, 256, 256), len(hu), head, spacing)
    return {
        "2d": (hu, slice(level - 2, level + 2)),
        "3d": (cut(hu, window), slice(level - 20, level + 20)),
        "3d_small": (hu[roi_window(center, (16, 64, 64), patient.ct.geometry.shape)], slice(None)),
    }


@pytest.mark.slow
@pytest.mark.parametrize("engine", [TorchEngine("cpu"), OpenVINOEngine("f32")], ids=["torch", "openvino"])
@pytest.mark.parametrize("name", ["2d", "3d", "3d_small"])
def test_shipped_models_agree(views, name, engine):
    (model,) = [model for model in load_bundle().models if model.name == name]
    hu, slices = views[name]
    image = normalized(hu, model.network.hu_window)[slices]
    expected = nnunet_labels(model.network.folder, image)
    # organs are there to disagree about
    assert len(np.unique(expected)) > 2
    assert (engine.load(model.network)(image).labels == expected).mean() >= AGREEMENT
