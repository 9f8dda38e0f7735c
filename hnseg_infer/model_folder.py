"""Reads one plain nnU-Net v2 model folder: plans.json, dataset.json, fold_all/checkpoint_final.pth.

A folder holds data, never code (see ``checkpoint.py`` and ``networks/build.py``). Neither nnU-Net nor, for
this project's own U-Net, torch is needed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.checkpoint import read_checkpoint
from hnseg_infer.errors import BundleError
from hnseg_infer.networks.unet_layout import UNetLayout, unet_layout
from hnseg_infer.preprocessing import HUWindow

CHECKPOINT = "fold_all/checkpoint_final.pth"

MODEL_FILES = ("plans.json", "dataset.json", CHECKPOINT)
"""What a model folder consists of."""

Z_SCORE, HU_WINDOW = "ZScoreNormalization", "CTNormalization"
"""The intensity normalisations of nnU-Net's that the pipeline applies (docs/method.md)."""


@dataclass(frozen=True)
class NetworkModel:
    """One trained network as its folder describes it.

    patch: (z, y, x), or (y, x) for a 2D network. organs: names of the classes 1, 2, ... in order.
    architecture: class path, keyword arguments, names of the arguments that are class paths themselves.
    weights: arrays by parameter name, mostly in half precision. layout: set when the network is this
    project's U-Net, which engines can build without torch. hu_window: of the image's normalisation, None for
    the z-score.
    """

    folder: Path
    patch: tuple[int, ...]
    organs: tuple[str, ...]
    architecture: tuple[str, Mapping[str, Any], tuple[str, ...]]
    weights: Mapping[str, NDArray[Any]]
    layout: UNetLayout | None
    hu_window: HUWindow | None = None

    @property
    def classes(self) -> int:
        """Number of logits, background included."""
        return len(self.organs) + 1


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; raises BundleError."""
    try:
        content = json.loads(path.read_bytes())
    except OSError:
        raise BundleError(f"The bundle file {path} is missing or cannot be read.") from None
    except ValueError:
        raise BundleError(f"The bundle file {path} is not valid JSON.") from None
    if not isinstance(content, dict):
        raise BundleError(f"The bundle file {path} holds no JSON object.")
    return content


def read_model_folder(folder: Path) -> NetworkModel:
    """Read and check a model folder with verified checksums; raises BundleError naming the file."""
    checkpoint = read_checkpoint(folder / CHECKPOINT)
    organs = _read_organs(folder / "dataset.json")
    plans_file = folder / "plans.json"
    plans = read_json(plans_file)
    try:
        configuration = _configuration(plans, checkpoint["init_args"]["configuration"])
        architecture = configuration["architecture"]
        class_path, arguments = str(architecture["network_class_name"]), dict(architecture["arch_kwargs"])
        model = NetworkModel(
            folder=folder,
            patch=tuple(int(size) for size in configuration["patch_size"]),
            organs=organs,
            architecture=(class_path, arguments, tuple(architecture["_kw_requires_import"])),
            weights=checkpoint["network_weights"],
            layout=_layout(plans_file, class_path, arguments, len(organs) + 1),
            hu_window=_hu_window(plans_file, plans, configuration),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"The plans in {plans_file} are not those of an nnU-Net v2 model ({error})."
        ) from None
    if list(plans.get("transpose_forward", [0, 1, 2])) != [0, 1, 2]:
        raise BundleError(f"{plans_file} asks for transposed axes; accepted are images in z, y, x order.")
    if len(model.patch) not in (2, 3) or min(model.patch) < 1:
        raise BundleError(
            f"{plans_file} gives the patch size {model.patch}; accepted are (y, x) and (z, y, x)."
        )
    if model.layout is not None and not model.layout.takes(model.patch):
        raise BundleError(
            f"{plans_file} gives the patch size {model.patch}, which the network cannot pool "
            f"with the strides {model.layout.strides}."
        )
    _check_weights(model)
    return model


def _configuration(plans: dict[str, Any], name: str) -> dict[str, Any]:
    own = plans["configurations"][name]
    parent = _configuration(plans, own["inherits_from"]) if "inherits_from" in own else {}
    return {**parent, **own}


def _hu_window(
    plans_file: Path, plans: Mapping[str, Any], configuration: Mapping[str, Any]
) -> HUWindow | None:
    normalization = list(configuration["normalization_schemes"])
    masked = any(configuration.get("use_mask_for_norm") or ())
    if normalization not in ([Z_SCORE], [HU_WINDOW]) or masked:
        raise BundleError(
            f"{plans_file} asks for the normalisation {normalization}{' inside a mask' if masked else ''}; "
            f"accepted are {Z_SCORE} and {HU_WINDOW} of one channel, without mask."
        )
    if normalization == [Z_SCORE]:
        return None
    intensities = plans["foreground_intensity_properties_per_channel"]["0"]
    low, high, mean, deviation = (
        float(intensities[key]) for key in ("percentile_00_5", "percentile_99_5", "mean", "std")
    )
    if not (isfinite(low + high + mean + deviation) and low < high and deviation > 0):
        raise BundleError(
            f"{plans_file} cuts HU off at {low} and {high} and divides by {deviation}; "
            "accepted are a lower and a higher finite number, and a positive one."
        )
    return HUWindow(low, high, mean, deviation)


def _read_organs(path: Path) -> tuple[str, ...]:
    labels = read_json(path).get("labels")
    if not isinstance(labels, dict) or labels.get("background") != 0:
        raise BundleError(f"{path} has no label table with background 0.")
    values = {value: name for name, value in labels.items() if isinstance(value, int)}
    if len(values) != len(labels) or sorted(values) != list(range(len(labels))) or len(labels) > 256:
        raise BundleError(f"The labels in {path} are not 0, 1, 2, ... (at most 255), each used once.")
    return tuple(values[value] for value in range(1, len(labels)))


def _layout(plans_file: Path, class_path: str, arguments: dict[str, Any], classes: int) -> UNetLayout | None:
    try:
        return unet_layout(class_path, arguments, classes)
    except (TypeError, ValueError, KeyError) as error:
        raise BundleError(f"No network can be built from {plans_file} ({error}).") from None


def _check_weights(model: NetworkModel) -> None:
    path = model.folder / CHECKPOINT
    if model.layout is not None:
        expected = dict(model.layout.weight_shapes())
    else:
        # any other network's weights are known only to its class
        from hnseg_infer.networks.build import weight_shapes

        expected = weight_shapes(model)
    found = {name: value.shape for name, value in model.weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise BundleError(
                f"The weights in {path} do not fit the network of its plans.json: "
                f"{name} is {found.get(name, 'absent')}, expected {expected.get(name, 'absent')}."
            )
    if not all(np.isfinite(value).all() for value in model.weights.values()):
        raise BundleError(f"The weights in {path} hold values that are not finite numbers.")
