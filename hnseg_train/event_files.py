"""TensorBoard event files of a training, where the package ``tensorboard`` is installed."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hnseg_train.resumable_trainer import EpochReport

FOLDER = "events"
"""Beside the checkpoints."""

CURVES = ("loss", "pseudo_dice", "learning_rate", "seconds")


def event_log(folder: Path, done: int) -> Callable[["EpochReport"], None]:
    """A function that adds an epoch's figures to the event files in ``folder``.

    done: epochs before; what an interrupted run logged after them is dropped from the curves. Without the
    package (``training/requirements.txt``) the function does nothing.
    """
    if find_spec("tensorboard") is None:
        return lambda report: None
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(folder / FOLDER), purge_step=done + 1)

    def log(report: "EpochReport") -> None:
        for curve in CURVES:
            writer.add_scalar(curve, getattr(report, curve), report.epoch)
        writer.flush()

    return log
