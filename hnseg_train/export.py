"""Finished trainings to a bundle that the inference side reads."""

import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hnseg_infer.bundle import FORMAT_VERSION
from hnseg_infer.checksums import checksums
from hnseg_infer.errors import InputError
from hnseg_infer.installed import MANIFEST
from hnseg_infer.report import NOT_FOR_CLINICAL_USE
from hnseg_infer.review.anatomy import Anatomy, anatomy_json
from hnseg_infer.spacing_rule import NATIVE, SpacingRange
from hnseg_train.nnunet_plans import dataset_json, plans_json
from hnseg_train.recipes import SMALL_ORGANS, ModelRecipe, Recipe
from hnseg_train.training import ALL, final_checkpoint

CARD_PAGE = "CARD.md"
"""The bundle card as a page, beside bundle.json."""


ROI_FROM = "2d"
"""The model whose labels centre the small-organ ROI."""


def export_bundle(
    work: Path,
    recipe: Recipe,
    bundle: Path,
    *,
    trained_on: str,
    cases: int,
    provider: Mapping[str, str],
    fold: int | str = ALL,
    card: tuple[Mapping[str, Any], str] | None = None,
    spacing: SpacingRange | None = None,
    anatomy: Anatomy | None = None,
    without_strays: Collection[str] = (),
) -> None:
    """Write the bundle folder anew from the final checkpoints of all models of the recipe on one fold.

    card: what bundle.json holds under ``card``, and CARD.md. spacing, anatomy: of the training patients.
    without_strays: organs that lose what lies far from their largest piece. The folder is replaced at once
    when all files are written. Raises InputError when a model has not been trained to its end, and when
    ``bundle`` holds something else, which would be deleted.
    """
    for model in recipe.models:
        if not final_checkpoint(work, recipe, model, fold).is_file():
            raise InputError(
                f"Model {model.name} of plan {recipe.name} has not been trained to its end in {work}."
            )
    staging = staging_folder(bundle)
    for model in recipe.models:
        folder = staging / model.name
        (folder / "fold_all").mkdir(parents=True)
        _write_json(folder / "plans.json", plans_json(recipe, model, for_training=False))
        _write_json(folder / "dataset.json", dataset_json(model, recipe.organs, cases))
        _strip(
            final_checkpoint(work, recipe, model, fold), model, folder / "fold_all" / "checkpoint_final.pth"
        )
    if card is not None:
        (staging / CARD_PAGE).write_text(card[1])
    _write_json(
        staging / MANIFEST,
        {
            "format_version": FORMAT_VERSION,
            "name": f"hnseg-{recipe.name}",
            "trained_on": trained_on,
            "intended_use": NOT_FOR_CLINICAL_USE,
            "organs": [{"id": value, "name": name} for value, name in recipe.organs],
            "models": {model.name: _model_entry(model) for model in recipe.models},
            "provider": dict(provider),
            **({} if spacing is None else {"trained_spacing_mm": asdict(spacing)}),
            **({} if anatomy is None else {"anatomy": anatomy_json(anatomy)}),
            **({"without_strays": list(without_strays)} if without_strays else {}),
            "sha256": checksums(staging),
            **({} if card is None else {"card": dict(card[0])}),
        },
    )
    put_in_place(staging, bundle)


def staging_folder(bundle: Path) -> Path:
    """An empty folder beside the bundle's; raises InputError where the bundle would replace other things."""
    if bundle.exists() and not (bundle / MANIFEST).is_file() and (bundle.is_file() or any(bundle.iterdir())):
        raise InputError(f"{bundle} is there already and is no bundle; accepted is a new or empty folder.")
    staging = bundle.with_name(bundle.name + ".partial")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def copy_model(entry: Mapping[str, Any], source: Path, staging: Path, name: str) -> dict[str, Any]:
    """Copy a model's folder from the bundle ``source``; returns its bundle.json entry under the new name."""
    shutil.copytree(source / entry["folder"], staging / name)
    return {**entry, "folder": name}


def put_in_place(new: Path, old: Path) -> None:
    """Let a complete bundle take the place of the one that may be there."""
    # a folder that is half deleted would be no bundle any more, and then not be replaced
    outdated = old.with_name(old.name + ".outdated")
    shutil.rmtree(outdated, ignore_errors=True)
    if old.exists():
        old.rename(outdated)
    os.replace(new, old)
    shutil.rmtree(outdated, ignore_errors=True)


def _model_entry(model: ModelRecipe) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "folder": model.name,
        "crop": model.crop,
        "spacing": list(model.spacing or ()) or NATIVE,
    }
    if model.crop == "small_organ_roi":
        entry |= {"from_model": ROI_FROM, "organs": list(SMALL_ORGANS), "size_zyx": list(model.patch)}
    return entry


def _strip(checkpoint: Path, model: ModelRecipe, target: Path) -> None:
    """Keep the network's weights alone, in half precision, under the keys that nnU-Net's predictor reads."""
    import torch

    # our own trainer wrote this file, with its optimiser and log in it
    weights = torch.load(checkpoint, map_location="cpu", weights_only=False)["network_weights"]
    torch.save(
        {
            "network_weights": {name: _shortened(name, tensor) for name, tensor in weights.items()},
            "trainer_name": "nnUNetTrainer",
            "init_args": {"configuration": model.configuration},
            "inference_allowed_mirroring_axes": None,
        },
        target,
    )


def _shortened(name: str, tensor: Any) -> Any:
    # a running variance may lie outside half precision's range; these few numbers stay as they are
    return tensor if "running" in name or not tensor.is_floating_point() else tensor.half()


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
