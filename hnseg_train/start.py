"""The weights of an earlier bundle that a training starts from, instead of random ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import InputError
from hnseg_infer.model_folder import CHECKPOINT
from hnseg_train.nnunet_plans import model_labels, plans_json
from hnseg_train.recipes import Recipe


@dataclass(frozen=True)
class Start:
    """name, trained_on: the bundle's own. checkpoints: its weights by name of the model that they are for."""

    name: str
    trained_on: str
    checkpoints: Mapping[str, Path] = field(hash=False)


def read_start(asked: Path, recipe: Recipe) -> Start:
    """The bundle of that folder or name as the start of a recipe's models, verified.

    Raises BundleError for a faulty bundle, InputError where a model is missing, outlines other organs or is
    another network.
    """
    bundle = load_bundle(asked)
    found = {model.name: model.network for model in bundle.models}
    for model in recipe.models:
        network = found.get(model.name)
        if network is None:
            raise InputError(
                f"The bundle {asked} has no model {model.name} to start from; it has {', '.join(found)}."
            )
        configuration = plans_json(recipe, model, for_training=True)["configurations"][model.configuration]
        class_path, arguments, _ = network.architecture
        wanted = configuration["architecture"]
        if network.organs != tuple(model_labels(model, recipe.organs)):
            raise InputError(f"The model {model.name} of the bundle {asked} outlines other organs.")
        if (class_path, dict(arguments)) != (wanted["network_class_name"], wanted["arch_kwargs"]):
            raise InputError(
                f"The model {model.name} of the bundle {asked} is another network than that of the plan "
                f"{recipe.name}."
            )
    checkpoints = {model.name: found[model.name].folder / CHECKPOINT for model in recipe.models}
    return Start(bundle.name, bundle.trained_on, checkpoints)
