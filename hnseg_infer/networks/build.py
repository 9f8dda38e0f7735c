"""Builds the torch network that a model folder describes.

Class names in the plans are resolved only inside ``ALLOWED_MODULES``: a bundle can carry no code.
"""

from importlib import import_module

import torch
from torch import nn

from hnseg_infer.errors import BundleError
from hnseg_infer.model_folder import NetworkModel

ALLOWED_MODULES = ("torch.nn", "dynamic_network_architectures", "hnseg_infer.networks")
"""Where the classes that a plans.json names may come from."""


def build_network(model: NetworkModel) -> nn.Module:
    """The network with its weights in single precision, in evaluation mode, without deep supervision."""
    network = _empty_network(model)
    # copies: arrays of a checkpoint cannot be written to
    weights = {name: torch.from_numpy(value.copy()) for name, value in model.weights.items()}
    weights = {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def weight_shapes(model: NetworkModel) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight that the network has; raises BundleError when none can be built."""
    try:
        return {name: tuple(value.shape) for name, value in _empty_network(model).state_dict().items()}
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise BundleError(f"No network can be built from {model.folder / 'plans.json'} ({error}).") from None


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
