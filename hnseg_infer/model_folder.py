"""Reads one plain nnU-Net v2 model folder: plans.json, dataset.json, fold_all/checkpoint_final.pth.

A folder holds data, never code: weights are unpickled with ``weights_only`` and class names in the plans are
resolved only inside ``ALLOWED_MODULES``. nnU-Net itself is not needed.
"""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hnseg_infer.errors import BundleError

ALLOWED_MODULES = ("torch.nn", "dynamic_network_architectures", "hnseg_infer.networks")
"""Where the classes that a plans.json names may come from."""

CHECKPOINT = "fold_all/checkpoint_final.pth"

MODEL_FILES = ("plans.json", "dataset.json", CHECKPOINT)
"""What a model folder consists of."""

NORMALIZATION = "ZScoreNormalization"
"""The only intensity normalisation of nnU-Net's that the pipeline applies (docs/method.md)."""


@dataclass(frozen=True)
class NetworkModel:
    """One trained network as its folder describes it.

    patch: (z, y, x), or (y, x) for a 2D network. organs: names of the classes 1, 2, ... in order.
    architecture: class path, keyword arguments, names of the arguments that are class paths themselves.
    weights: half-precision tensors by parameter name.
    """

    folder: Path
    patch: tuple[int, ...]
    organs: tuple[str, ...]
    architecture: tuple[str, Mapping[str, Any], tuple[str, ...]]
    weights: Mapping[str, Tensor]

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
    checkpoint = _read_checkpoint(folder / CHECKPOINT)
    organs = _read_organs(folder / "dataset.json")
    plans_file = folder / "plans.json"
    plans = read_json(plans_file)
    try:
        configuration = _configuration(plans, checkpoint["init_args"]["configuration"])
        architecture = configuration["architecture"]
        model = NetworkModel(
            folder=folder,
            patch=tuple(int(size) for size in configuration["patch_size"]),
            organs=organs,
            architecture=(
                str(architecture["network_class_name"]),
                dict(architecture["arch_kwargs"]),
                tuple(architecture["_kw_requires_import"]),
            ),
            weights=checkpoint["network_weights"],
        )
        normalization = list(configuration["normalization_schemes"])
        masked = any(configuration.get("use_mask_for_norm") or ())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"The plans in {plans_file} are not those of an nnU-Net v2 model ({error})."
        ) from None
    if normalization != [NORMALIZATION] or masked:
        raise BundleError(
            f"{plans_file} asks for the normalisation {normalization}"
            f"{' inside a mask' if masked else ''}; accepted is {NORMALIZATION} of one channel, without mask."
        )
    if list(plans.get("transpose_forward", [0, 1, 2])) != [0, 1, 2]:
        raise BundleError(f"{plans_file} asks for transposed axes; accepted are images in z, y, x order.")
    if len(model.patch) not in (2, 3) or min(model.patch) < 1:
        raise BundleError(
            f"{plans_file} gives the patch size {model.patch}; accepted are (y, x) and (z, y, x)."
        )
    _check_weights(model)
    return model


def build_network(model: NetworkModel) -> nn.Module:
    """The network with its weights in single precision, in evaluation mode, without deep supervision."""
    network = _empty_network(model)
    weights = {
        name: value.float() if value.is_floating_point() else value for name, value in model.weights.items()
    }
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def _empty_network(model: NetworkModel) -> nn.Module:
    """The architecture on the meta device: no memory, no time for an initialisation that is overwritten."""
    class_path, kwargs, class_arguments = model.architecture
    classes = {name: _module_class(kwargs[name], model) for name in class_arguments if kwargs.get(name)}
    network_class = _module_class(class_path, model)
    with torch.device("meta"):
        return network_class(
            input_channels=1, num_classes=model.classes, **{**kwargs, **classes, "deep_supervision": False}
        )


def _module_class(path: str, model: NetworkModel) -> type[nn.Module]:
    module, _, name = path.rpartition(".")
    plans_file = model.folder / "plans.json"
    refusal = BundleError(
        f"{plans_file} names the class {path}; accepted are networks and layers of {ALLOWED_MODULES}."
    )
    if not _allowed(module):
        raise refusal
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise BundleError(f"{plans_file} needs {path}, which cannot be imported here ({error}).") from None
    # a name inside an allowed module may be something imported from elsewhere
    if not (isinstance(found, type) and issubclass(found, nn.Module) and _allowed(found.__module__)):
        raise refusal
    return found


def _allowed(module: str) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in ALLOWED_MODULES)


def _configuration(plans: dict[str, Any], name: str) -> dict[str, Any]:
    own = plans["configurations"][name]
    parent = _configuration(plans, own["inherits_from"]) if "inherits_from" in own else {}
    return {**parent, **own}


def _read_organs(path: Path) -> tuple[str, ...]:
    labels = read_json(path).get("labels")
    if not isinstance(labels, dict) or labels.get("background") != 0:
        raise BundleError(f"{path} has no label table with background 0.")
    values = {value: name for name, value in labels.items() if isinstance(value, int)}
    if len(values) != len(labels) or sorted(values) != list(range(len(labels))) or len(labels) > 256:
        raise BundleError(f"The labels in {path} are not 0, 1, 2, ... (at most 255), each used once.")
    return tuple(values[value] for value in range(1, len(labels)))


def _read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BundleError(f"{path} holds more than weights; accepted are stripped checkpoints.") from None
    except (OSError, RuntimeError, EOFError, ValueError):
        raise BundleError(f"{path} is not a readable checkpoint.") from None
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("network_weights"), dict):
        raise BundleError(f"{path} holds no network weights.")
    return checkpoint


def _check_weights(model: NetworkModel) -> None:
    path = model.folder / CHECKPOINT
    try:
        expected = {name: tuple(value.shape) for name, value in _empty_network(model).state_dict().items()}
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise BundleError(f"No network can be built from {model.folder / 'plans.json'} ({error}).") from None
    found = {name: tuple(value.shape) for name, value in model.weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise BundleError(
                f"The weights in {path} do not fit the network of its plans.json: "
                f"{name} is {found.get(name, 'absent')}, expected {expected.get(name, 'absent')}."
            )
    if not all(bool(torch.isfinite(value).all()) for value in model.weights.values()):
        raise BundleError(f"The weights in {path} hold values that are not finite numbers.")
