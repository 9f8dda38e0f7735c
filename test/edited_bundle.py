"""Changes to the files of a bundle; ``seal`` it afterwards."""

import json
from pathlib import Path

import torch

CHECKPOINT = "3d/fold_all/checkpoint_final.pth"


def edit_json(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_configuration(path: Path, **changes) -> None:
    plans = json.loads(path.read_text())
    for configuration in plans["configurations"].values():
        configuration.update(changes)
    path.write_text(json.dumps(plans))


def edit_architecture(path: Path, **changes) -> None:
    plans = json.loads(path.read_text())
    for configuration in plans["configurations"].values():
        configuration["architecture"].update(changes)
    path.write_text(json.dumps(plans))


def edit_checkpoint(path: Path, change) -> None:
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)
