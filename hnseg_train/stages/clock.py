"""How long training still takes: for the model that is being trained, and for all that are to come."""

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from hnseg_train.training import TrainingJob

if TYPE_CHECKING:
    from hnseg_train.resumable_trainer import EpochReport


def epoch_cost(job: TrainingJob) -> float:
    """Work of one epoch, in arbitrary units: voxels seen times the square of the first stage's features."""
    settings = job.settings
    features = settings["architecture"]["arch_kwargs"]["features_per_stage"][0]
    # kernels of 3D networks reach along z as well, mostly
    kernel = 1 if len(settings["patch_size"]) == 2 else 2
    voxels = settings["batch_size"] * prod(settings["patch_size"])
    return float(settings["hnseg"]["iterations_per_epoch"] * voxels * features**2 * kernel)


class Clock:
    """Knows the trainings that are to be done; learns from every epoch how fast they go.

    An epoch of a model that has not run yet is taken to last in proportion to its ``epoch_cost``.
    """

    def __init__(self, jobs: Mapping[str, TrainingJob]) -> None:
        self._jobs = dict(jobs)
        self._seconds: dict[str, float] = {}

    def begin(self, item: str, job: TrainingJob) -> None:
        """A training starts: perhaps anew, because what it is made from has changed."""
        self._jobs[item] = job

    def finish(self, item: str) -> None:
        """A training is done."""
        self._jobs.pop(item, None)

    def remaining(self, item: str, report: "EpochReport") -> tuple[float, float]:
        """At most so many seconds for this training, and for it and all others together."""
        job = self._jobs[item]
        before = self._seconds.get(job.name, report.seconds)
        self._seconds[job.name] = 0.7 * before + 0.3 * report.seconds
        own = self._seconds[job.name] * (report.epochs - report.epoch)
        rate = self._seconds[job.name] / epoch_cost(job)
        others = sum(
            self._seconds.get(other.name, rate * epoch_cost(other)) * other.settings["hnseg"]["epochs"]
            for name, other in self._jobs.items()
            if name != item
        )
        return own, own + others


def epoch_line(item: str, report: "EpochReport", own: float, whole: float) -> str:
    """What the terminal shows after an epoch."""
    return (
        f"{item}: epoch {report.epoch}/{report.epochs}, loss {report.loss:.4f}, "
        f"pseudo Dice {report.pseudo_dice:.3f}, learning rate {report.learning_rate:.1e}, "
        f"{report.seconds:.1f} s; at most {duration(own)} left, {duration(whole)} with all other models"
    )


def duration(seconds: float) -> str:
    """Such as ``2 d 3 h``, ``4 h 05 min``, ``12 min`` or ``40 s``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
