"""Plain nnU-Net v2 as the baseline: its own planner, architecture, optimiser, augmentation and predictor.

Two things are ours, so that it is trained and scored on the same images: normalisation and no resampling.
Sizes and spacings are in (z,) y, x order.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.files import write_whole
from hnseg_train.nnunet_plans import dataset_json, plans_of, unresampled
from hnseg_train.recipes import ModelRecipe, Organs, Recipe
from hnseg_train.training import BASELINE_TRAINER, TrainingJob

CONFIGURATIONS = {"nnunet_2d": "2d", "nnunet_3d": "3d_fullres"}
"""What tables call the two baselines, and nnU-Net's configuration."""

RAW_DATASET = "Dataset001_baseline"
"""nnU-Net's planner wants a raw data set; it holds names alone."""


@dataclass(frozen=True)
class CaseGrid:
    """What nnU-Net plans by: files, size in voxels and spacing in mm of one case."""

    name: str
    ct: Path
    label: Path
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]


def plan_baseline(
    raw: Path, preprocessed: Path, cases: Sequence[CaseGrid], whole: ModelRecipe, organs: Organs
) -> Any:
    """nnU-Net's default configurations ``2d`` and ``3d_fullres`` for these cases, as JSON values.

    whole: the model whose samples are whole CTs, on which both are trained. organs: of the recipe.
    """
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
    from nnunetv2.utilities.json_export import recursive_fix_for_json_export

    # the planner takes the number of loading processes for torch's threads, and fails with none
    os.environ.update(nnUNet_n_proc_DA="1")
    _describe(raw / RAW_DATASET, preprocessed / RAW_DATASET, cases, whole, organs)
    planner = ExperimentPlanner(RAW_DATASET)
    spacing = planner.determine_fullres_target_spacing()
    shape = np.median([case.shape for case in cases], axis=0)
    voxels = float(prod(shape)) * len(cases)
    seen: dict[str, Any] = {}
    plans = {
        "2d": planner.get_plans_for_configuration(spacing[1:], shape[1:], whole.name, voxels, seen),
        "3d_fullres": planner.get_plans_for_configuration(spacing, shape, whole.name, voxels, seen),
    }
    # nnU-Net's rule: with patches so small that it would plan a low-resolution network, too
    small = prod(plans["3d_fullres"]["patch_size"]) < planner.lowres_creation_threshold * prod(shape)
    for name, plan in plans.items():
        plan |= {**unresampled(), "batch_dice": name == "2d" or bool(small)}
    recursive_fix_for_json_export(plans)
    return json.loads(json.dumps(plans))


def baseline_job(
    recipe: Recipe, whole: ModelRecipe, plans: Mapping[str, Any], name: str, fold: int, cases: int
) -> TrainingJob:
    """The training of a baseline on all cases but a fold's, as long as the recipe's models at most."""
    configuration = CONFIGURATIONS[name]
    settings = dict(plans[configuration])
    if recipe.baseline_features is not None:
        settings = _narrow(settings, recipe.baseline_features)
    settings["hnseg"] = {
        "epochs": max(model.epochs for model in recipe.models),
        "iterations_per_epoch": recipe.iterations_per_epoch,
        "checkpoint_every": recipe.checkpoint_every,
    }
    return TrainingJob(
        name=name,
        trainer=BASELINE_TRAINER,
        plans=plans_of(
            recipe,
            whole,
            {configuration: settings},
            "ExperimentPlanner",
            plans["3d_fullres"]["spacing"],
            plans["3d_fullres"]["median_image_size_in_voxels"],
        ),
        configuration=configuration,
        dataset=dataset_json(whole, recipe.organs, cases),
        fold=fold,
    )


def predict_baseline(
    job: TrainingJob, checkpoint: Path, image: NDArray[np.float32], device: str
) -> NDArray[np.uint8]:
    """nnU-Net's labels of a normalised CT ``[z, y, x]``: tiles half apart, mirrored along all axes."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    # our own trainer wrote this file, with its optimiser and log in it
    trained = torch.load(checkpoint, map_location="cpu", weights_only=False)
    plans = PlansManager(dict(job.plans))
    configuration = plans.get_configuration(job.configuration)
    network = get_network_from_plans(
        configuration.network_arch_class_name,
        configuration.network_arch_init_kwargs,
        configuration.network_arch_init_kwargs_req_import,
        1,
        len(job.dataset["labels"]),
        deep_supervision=False,
    )
    # it says on every CPU that a CPU is no GPU
    with redirect_stdout(StringIO()):
        predictor = nnUNetPredictor(use_mirroring=True, device=torch.device(device), allow_tqdm=False)
    axes = trained["inference_allowed_mirroring_axes"]
    weights = [trained["network_weights"]]
    predictor.manual_initialization(
        network, plans, configuration, weights, dict(job.dataset), job.trainer, axes
    )
    logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(image)[None])
    labels: NDArray[np.uint8] = logits.argmax(0).to(torch.uint8).numpy()
    return labels


def _describe(
    raw: Path, preprocessed: Path, cases: Sequence[CaseGrid], whole: ModelRecipe, organs: Organs
) -> None:
    """The two files that nnU-Net's planner reads."""
    dataset = dataset_json(whole, organs, len(cases)) | {
        # any channel but "CT" is z-scored
        "dataset": {
            case.name: {"images": [str(case.ct.resolve())], "label": str(case.label.resolve())}
            for case in cases
        },
        "channel_names": {"0": "zscore"},
    }
    fingerprint = {
        "spacings": [case.spacing for case in cases],
        "shapes_after_crop": [case.shape for case in cases],
        "foreground_intensity_properties_per_channel": {},
        "median_relative_size_after_cropping": 1.0,
    }
    for folder, name, content in (
        (raw, "dataset.json", dataset),
        (preprocessed, "dataset_fingerprint.json", fingerprint),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, [json.dumps(content, indent=1).encode()])


def _narrow(settings: Mapping[str, Any], features: int) -> dict[str, Any]:
    """The same topology with few features, on patches that end as 2 voxels along every axis."""
    arguments = dict(settings["architecture"]["arch_kwargs"])
    strides = np.prod(arguments["strides"], axis=0)
    arguments["features_per_stage"] = [min(features, given) for given in arguments["features_per_stage"]]
    return {
        **settings,
        "patch_size": [int(2 * stride) for stride in strides],
        "batch_size": 2,
        "architecture": {**settings["architecture"], "arch_kwargs": arguments},
    }
