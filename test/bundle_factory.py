"""Small bundles of random networks: the real format, a few thousand weights, seeded."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from random_networks import random_network, settled_network

from hnseg_infer.networks.topology import unet_topology

ORGANS = {"brain_stem": 1, "eye_left": 2, "optic_chiasm": 8, "pituitary": 11}

PROVIDER = {"brain_stem": "3d", "eye_left": "2d", "optic_chiasm": "3d_small", "pituitary": "3d_small"}

MODELS: dict[str, dict[str, Any]] = {
    "2d": {"folder": "2d", "crop": "whole"},
    "3d": {"folder": "3d", "crop": "head_window", "spacing": "native"},
    "3d_small": {
        "folder": "3d_small",
        "crop": "small_organ_roi",
        "spacing": "native",
        "from_model": "2d",
        "organs": ["optic_chiasm", "pituitary"],
        "size_zyx": [8, 16, 16],
    },
}


UNET = "hnseg_infer.networks.unet.UNet"


def make_bundle(folder: Path) -> Path:
    """A complete bundle with the three models of the combined system."""
    write_model_folder(folder / "2d", list(ORGANS), (32, 32), seed=1)
    write_model_folder(folder / "3d", list(ORGANS), (8, 16, 16), seed=2)
    write_model_folder(folder / "3d_small", ["optic_chiasm", "pituitary"], (8, 16, 16), seed=3)
    seal(folder)
    return folder


def seal(folder: Path, **changes: Any) -> None:
    """Write bundle.json for the files that lie there now; ``changes`` replace its entries."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "bundle.json")
    manifest = {
        "format_version": 1,
        "name": "tiny",
        "trained_on": "nothing",
        "intended_use": "tests",
        "organs": [{"id": value, "name": name} for name, value in ORGANS.items()],
        "models": MODELS,
        "provider": PROVIDER,
        "sha256": {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        },
        **changes,
    }
    (folder / "bundle.json").write_text(json.dumps(manifest))


def write_model_folder(
    folder: Path,
    organs: Sequence[str],
    patch: Sequence[int],
    seed: int,
    dropout: float = 0.1,
    network: str = UNET,
    options: Mapping[str, Any] | None = None,
) -> None:
    """A plain nnU-Net v2 model folder with a small random network in half precision.

    network: its class path; options: the class's own arguments in the plans.
    """
    dimensions = len(patch)
    configuration = "2d" if dimensions == 2 else "3d_fullres"
    topology = unet_topology(patch, (3.0, 1.0, 1.0)[-dimensions:], 4, 8)
    arch_kwargs = {
        "n_stages": len(topology.features),
        "features_per_stage": list(topology.features),
        "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
        "kernel_sizes": [list(size) for size in topology.kernel_sizes],
        "strides": [list(size) for size in topology.strides],
        "dropout": dropout,
        **(options or {}),
    }
    if network == UNET:
        weights = random_network(arch_kwargs, len(organs) + 1, seed).state_dict()
    else:
        weights = settled_network(network, arch_kwargs, len(organs) + 1, patch, seed).state_dict()
    plans = {
        "dataset_name": "Dataset001_tiny",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [3.0, 1.0, 1.0],
        "original_median_shape_after_transp": [32, 64, 64],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            configuration: {
                "data_identifier": f"nnUNetPlans_{configuration}",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": list(patch),
                "spacing": [3.0, 1.0, 1.0][-dimensions:],
                "normalization_schemes": ["ZScoreNormalization"],
                "use_mask_for_norm": [False],
                "architecture": {
                    "network_class_name": network,
                    "arch_kwargs": arch_kwargs,
                    "_kw_requires_import": ["conv_op"],
                },
            }
        },
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {},
    }
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **{name: value for value, name in enumerate(organs, start=1)}},
        "numTraining": 0,
        "file_ending": ".nii.gz",
    }
    checkpoint = {
        "network_weights": {
            name: value.half() if value.is_floating_point() else value for name, value in weights.items()
        },
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": configuration},
        "inference_allowed_mirroring_axes": None,
    }
    (folder / "fold_all").mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    torch.save(checkpoint, folder / "fold_all" / "checkpoint_final.pth")
