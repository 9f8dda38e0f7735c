"""``hnseg train`` as a process that kills itself with SIGKILL in the middle of a write.

    python killed_training.py MOMENT [ARGUMENTS OF hnseg train]

MOMENT is a part of the file's path at which to die, with half of the file written, or ``never``.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from hnseg_infer.cli import main
from hnseg_train import dataset


def die_at(moment: str) -> None:
    """Let checkpoints and samples whose path holds ``moment`` end the process half-written."""
    save_checkpoint, save_sample = torch.save, dataset._save

    def saving(content: Any, path: str | Path, *arguments: Any, **options: Any) -> None:
        save_checkpoint(content, path, *arguments, **options)
        if moment in str(path):
            halve(Path(path))

    def sampling(image: Any, target: Any, properties: Any, model: Any, stem: Path) -> None:
        save_sample(image, target, properties, model, stem)
        if moment in str(stem):
            halve(stem.with_name(f"{stem.name}.b2nd"))

    torch.save, dataset._save = saving, sampling


def halve(path: Path) -> None:
    """Cut a file in half and end this process as kill -9 does."""
    os.truncate(path, path.stat().st_size // 2)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] != "never":
        die_at(sys.argv[1])
    sys.exit(main(["train", *sys.argv[2:]]))
