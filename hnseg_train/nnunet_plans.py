"""What nnU-Net v2 calls a training plan: dataset.json and plans.json of each model."""

from collections.abc import Mapping, Sequence
from typing import Any

from hnseg_infer.model_folder import HU_WINDOW, Z_SCORE
from hnseg_infer.networks.topology import unet_topology
from hnseg_train.recipes import ADAM, NOMINAL_SPACING, ModelRecipe, Recipe


def model_labels(model: ModelRecipe, organs: Sequence[tuple[int, str]]) -> dict[str, int]:
    """Organ name to the model's own label value, which nnU-Net wants without gaps.

    organs: the (id, name) pairs of the recipe.
    """
    names = [name for _, name in organs] if model.label_names is None else model.label_names
    return {name: value for value, name in enumerate(names, start=1)}


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
    """nnU-Net's plans.json for one model: no resampling by nnU-Net, one of our networks.

    for_training puts in the training patch and, under ``hnseg``, what only our trainer reads.
    """
    spacing = (model.spacing or NOMINAL_SPACING)[-len(model.patch) :]
    topology = unet_topology(model.patch, spacing, model.first_features, model.feature_cap)
    configuration: dict[str, Any] = {
        "data_identifier": model.name,
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": model.batch_size,
        "patch_size": list(model.training_patch if for_training else model.patch),
        "median_image_size_in_voxels": list(model.patch),
        "spacing": list(spacing),
        "normalization_schemes": [Z_SCORE if model.hu_window is None else HU_WINDOW],
        "use_mask_for_norm": [False],
        **unresampled(),
        "batch_dice": True,
        "architecture": {
            "network_class_name": model.network,
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
        foreground = model.foreground_fraction
        configuration["hnseg"] = {
            "epochs": model.epochs,
            "iterations_per_epoch": recipe.iterations_per_epoch,
            "checkpoint_every": recipe.checkpoint_every,
            "learning_rate": recipe.learning_rate,
            "schedule": recipe.schedule,
            "foreground_fraction": recipe.foreground_fraction if foreground is None else foreground,
            "elastic_probability": recipe.elastic_probability,
            "balanced": model.balanced,
            "mirror_axes": list(model.mirror_axes),
            # left out for Adam, so that trainings from before there was a choice stay valid
            **({} if recipe.optimizer == ADAM else {"optimizer": recipe.optimizer}),
        }
    return plans_of(
        recipe,
        model,
        {model.configuration: configuration},
        "hnseg",
        model.spacing or NOMINAL_SPACING,
        [1, *model.patch][-3:],
    )


def plans_of(
    recipe: Recipe,
    model: ModelRecipe,
    configurations: Mapping[str, Any],
    planner: str,
    spacing: Sequence[float],
    shape: Sequence[int],
) -> dict[str, Any]:
    """plans.json around configurations for a model's data set; spacing and shape are the CTs' medians."""
    return {
        "dataset_name": f"hnseg_{model.name}",
        "plans_name": recipe.name,
        "original_median_spacing_after_transp": list(spacing),
        "original_median_shape_after_transp": list(shape),
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "experiment_planner_used": planner,
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": _intensities(model),
        "configurations": dict(configurations),
    }


def _intensities(model: ModelRecipe) -> dict[str, dict[str, float]]:
    window = model.hu_window
    if window is None:
        return {}
    shown = {"percentile_00_5": window.low, "percentile_99_5": window.high}
    return {"0": {**shown, "mean": window.mean, "std": window.deviation}}
