"""Changes to the files of a bundle; ``seal`` it after those called edit."""

import json
from pathlib import Path

import torch
from bundle_factory import seal

CHECKPOINT = "3d/fold_all/checkpoint_final.pth"


def edit_json(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_configuration(path: Path, **changes) -> None:
    plans = json.loads(path.read_text())
    for configuration in plans["configurations"].values():
        configuration.update(changes)
    path.write_text(json.dumps(plans))


def set_hu_window(folder: Path, **changes) -> None:
    """Let the bundle's 3D model see -300 to 800 HU, less 40, over 200; ``changes`` under nnU-Net's names."""
    window = {"percentile_00_5": -300.0, "percentile_99_5": 800.0, "mean": 40.0, "std": 200.0, **changes}
    edit_configuration(folder / "3d/plans.json", normalization_schemes=["CTNormalization"])
    edit_json(folder / "3d/plans.json", foreground_intensity_properties_per_channel={"0": window})
    seal(folder)


def edit_architecture(path: Path, **changes) -> None:
    plans = json.loads(path.read_text())
    for configuration in plans["configurations"].values():
        configuration["architecture"].update(changes)
    path.write_text(json.dumps(plans))


def edit_checkpoint(path: Path, change) -> None:
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)
