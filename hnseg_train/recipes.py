"""The training plans ``paper``, ``lite`` and ``check``, and the nnU-Net v2 files that they turn into.

Patches and spacings are in (z,) y, x order. ``paper`` is the published one (docs/method.md). ``lite`` keeps
its topology with narrow stages; it trains on smaller patches and on a fixed schedule, so that two CPU cores
make the demonstration weights in one sitting. ``check`` follows the same rules with few features, small
patches and a handful of iterations: it proves in minutes that data, disk and software go all the way to a
bundle, and its weights are not for use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hnseg_infer.networks.topology import unet_topology

NOMINAL_SPACING = (3.0, 1.0, 1.0)
"""Slice distance and pixel size (mm) of a StructSeg CT; only their ratio matters, nothing is resampled."""

SMALL_ORGANS = ("optic_chiasm", "pituitary")
"""What the 3D-small model segments and what centres its ROI."""

PUBLISHED_2D_ORGANS = frozenset(
    ("lens_left", "lens_right", "optic_nerve_left", "inner_ear_right", "middle_ear_left", "tmj_right")
)
"""What the publication takes from the 2D model; the small organs come from 3D-small, the rest from 3D."""


@dataclass(frozen=True)
class ModelRecipe:
    """One network: what it sees, how wide it is, how it is trained.

    training_patch is the patch of one training sample; patch is the tile at inference and sets the topology.
    mirror_axes count the patch's axes; the last one (x, left-right) belongs to 3D-small alone.
    balanced: at first all organs weigh the same in the cross-entropy, whatever their size (schedules.py), so
    that a thousand iterations are enough to find the small ones. foreground_fraction: where it is not the
    recipe's; nnU-Net rounds it to whole samples of a batch, so that of two 0.8 would make both.
    """

    name: str
    crop: str
    patch: tuple[int, ...]
    training_patch: tuple[int, ...]
    first_features: int
    feature_cap: int
    batch_size: int
    mirror_axes: tuple[int, ...]
    epochs: int
    balanced: bool = False
    foreground_fraction: float | None = None

    @property
    def configuration(self) -> str:
        """nnU-Net's name for the kind of network."""
        return "2d" if len(self.patch) == 2 else "3d_fullres"

    @property
    def label_names(self) -> tuple[str, ...] | None:
        """Organs that the model segments; None means all of the data set's."""
        return SMALL_ORGANS if self.crop == "small_organ_roi" else None


@dataclass(frozen=True)
class Recipe:
    """A training plan: its models and what they have in common.

    schedule is ``plateau`` (the publication's, from its 3e-4) or ``poly`` (falls to zero over the given
    epochs; a few thousand iterations need the higher rate). checkpoint_every: epochs that an interruption
    costs at most. baseline_features: most features of plain nnU-Net's stages, None for its own default.
    """

    name: str
    models: tuple[ModelRecipe, ...]
    iterations_per_epoch: int
    learning_rate: float
    schedule: str
    foreground_fraction: float
    elastic_probability: float
    checkpoint_every: int = 5
    baseline_features: int | None = None


PAPER = Recipe(
    name="paper",
    models=(
        ModelRecipe("2d", "whole", (512, 512), (512, 512), 30, 480, 11, (0,), 1000),
        ModelRecipe("3d", "head_window", (32, 256, 256), (32, 256, 256), 30, 320, 2, (0, 1), 1000),
        ModelRecipe("3d_small", "small_organ_roi", (16, 64, 64), (16, 64, 64), 30, 320, 2, (0, 1, 2), 1000),
    ),
    iterations_per_epoch=250,
    learning_rate=3e-4,
    schedule="plateau",
    foreground_fraction=0.33,
    elastic_probability=0.2,
)

LITE = Recipe(
    name="lite",
    models=(
        ModelRecipe("2d", "whole", (512, 512), (256, 256), 16, 192, 6, (), 36, True),
        ModelRecipe("3d_small", "small_organ_roi", (16, 64, 64), (16, 64, 64), 16, 128, 4, (), 12, True),
        ModelRecipe("3d", "head_window", (32, 256, 256), (16, 128, 128), 16, 96, 2, (), 30, True, 0.5),
    ),
    iterations_per_epoch=50,
    learning_rate=1e-3,
    schedule="poly",
    foreground_fraction=0.8,
    elastic_probability=0.0,
)

CHECK = Recipe(
    name="check",
    models=(
        ModelRecipe("2d", "whole", (256, 256), (128, 128), 4, 8, 2, (0,), 2),
        ModelRecipe("3d", "head_window", (16, 128, 128), (8, 64, 64), 4, 8, 2, (0, 1), 2),
        ModelRecipe("3d_small", "small_organ_roi", (16, 64, 64), (16, 64, 64), 4, 8, 2, (0, 1, 2), 2),
    ),
    iterations_per_epoch=2,
    learning_rate=3e-4,
    schedule="plateau",
    foreground_fraction=0.33,
    elastic_probability=0.2,
    checkpoint_every=1,
    baseline_features=8,
)

RECIPES = {recipe.name: recipe for recipe in (PAPER, LITE, CHECK)}


def model_labels(model: ModelRecipe, organs: Sequence[tuple[int, str]]) -> dict[str, int]:
    """Organ name to the model's own label value; ``organs`` are the data set's (id, name) pairs."""
    if model.label_names is None:
        return {name: value for value, name in organs}
    return {name: value for value, name in enumerate(model.label_names, start=1)}


def dataset_json(model: ModelRecipe, organs: Sequence[tuple[int, str]], cases: int) -> dict[str, Any]:
    """nnU-Net's dataset.json for one model."""
    return {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **model_labels(model, organs)},
        "numTraining": cases,
        "file_ending": ".nii.gz",
    }


def unresampled() -> dict[str, Any]:
    """The entries of an nnU-Net configuration that keep every voxel as it is."""
    return {
        f"resampling_fn_{kind}{suffix}": value
        for kind in ("data", "seg", "probabilities")
        for suffix, value in (("", "no_resampling_hack"), ("_kwargs", {}))
    }


def plans_json(recipe: Recipe, model: ModelRecipe, *, for_training: bool) -> dict[str, Any]:
    """nnU-Net's plans.json for one model: z-score, no resampling, our U-Net.

    for_training puts in the training patch and, under ``hnseg``, what only our trainer reads.
    """
    spacing = NOMINAL_SPACING[-len(model.patch) :]
    topology = unet_topology(model.patch, spacing, model.first_features, model.feature_cap)
    configuration: dict[str, Any] = {
        "data_identifier": model.name,
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": model.batch_size,
        "patch_size": list(model.training_patch if for_training else model.patch),
        "median_image_size_in_voxels": list(model.patch),
        "spacing": list(spacing),
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        **unresampled(),
        "batch_dice": True,
        "architecture": {
            "network_class_name": "hnseg_infer.networks.unet.UNet",
            "arch_kwargs": {
                "n_stages": len(topology.features),
                "features_per_stage": list(topology.features),
                "conv_op": f"torch.nn.modules.conv.Conv{len(model.patch)}d",
                "kernel_sizes": [list(kernel) for kernel in topology.kernel_sizes],
                "strides": [list(stride) for stride in topology.strides],
            },
            "_kw_requires_import": ["conv_op"],
        },
    }
    if for_training:
        configuration["hnseg"] = {
            "epochs": model.epochs,
            "iterations_per_epoch": recipe.iterations_per_epoch,
            "checkpoint_every": recipe.checkpoint_every,
            "learning_rate": recipe.learning_rate,
            "schedule": recipe.schedule,
            "foreground_fraction": model.foreground_fraction or recipe.foreground_fraction,
            "elastic_probability": recipe.elastic_probability,
            "balanced": model.balanced,
            "mirror_axes": list(model.mirror_axes),
        }
    return {
        "dataset_name": f"hnseg_{model.name}",
        "plans_name": recipe.name,
        "original_median_spacing_after_transp": list(NOMINAL_SPACING),
        "original_median_shape_after_transp": [1, *model.patch][-3:],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "experiment_planner_used": "hnseg",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {},
        "configurations": {model.configuration: configuration},
    }
