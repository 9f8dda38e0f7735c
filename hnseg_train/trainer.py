"""The trainer of docs/method.md's recipes: own schedules and mirroring, rotations of a lying head.

Tensors are ``[batch, channel, (z,) y, x]``. The values under ``hnseg`` in the plans come from recipes.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from numpy.typing import NDArray

from hnseg_train.dataset import UNKNOWN
from hnseg_train.loss import DiceAndCrossEntropy
from hnseg_train.recipes import SGD
from hnseg_train.resumable_trainer import ResumableTrainer
from hnseg_train.schedules import (
    SMALLEST,
    class_weights,
    exponential_rate,
    plateau_rate,
    poly_rate,
    prior_logits,
)

WEIGHING_SAMPLES = 8
"""Samples whose voxels are counted for the class weights; organs' sizes differ by far more than patients."""

HEAD_SCALE = 0.1
"""Factor on the heads' first weights where their biases are set: these then decide the first outputs."""

MOMENTUM = 0.99
"""Of SGD."""

ROTATION = np.deg2rad(15.0)
"""Largest rotation in augmentation; a head on a couch is never turned further."""

SCALES = (0.85, 1.25)
"""Range that nnU-Net reckons with when it sizes the patch before a spatial transform."""


class _Rate:
    """What nnU-Net expects of a scheduler: step(epoch) sets the optimiser's learning rate."""

    def __init__(self, trainer: "HNSegTrainer") -> None:
        self.trainer = trainer

    def step(self, epoch: int) -> None:
        for group in self.trainer.optimizer.param_groups:
            group["lr"] = self.trainer.learning_rate(epoch)


class HNSegTrainer(ResumableTrainer):
    """Trains one model of a recipe; the signature must stay nnU-Net's, whose __init__ reads it by name."""

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int | str,
        dataset_json: dict[str, Any],
        device: torch.device,
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.initial_lr = self.recipe["learning_rate"]
        self.oversample_foreground_percent = self.recipe["foreground_fraction"]

    def learning_rate(self, epoch: int) -> float:
        """Learning rate of an epoch, from the recipe's schedule."""
        progress = epoch / self.num_epochs
        if self.recipe["schedule"] == "poly":
            return poly_rate(progress, self.initial_lr)
        if self.recipe["schedule"] == "exponential":
            return exponential_rate(progress, self.initial_lr)
        return plateau_rate(self.logger.get_value("train_losses", step=None)[:epoch], self.initial_lr)

    def ended(self) -> bool:
        """After the last epoch, or when the plateau schedule has come to its end."""
        return super().ended() or self.learning_rate(self.current_epoch) < SMALLEST

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, _Rate]:
        """The recipe's optimiser with its schedule; SGD has nnU-Net's momentum."""
        weights = self.network.parameters()
        if self.recipe.get("optimizer") == SGD:
            return torch.optim.SGD(weights, self.initial_lr, momentum=MOMENTUM, nesterov=True), _Rate(self)
        return torch.optim.Adam(weights, self.initial_lr), _Rate(self)

    def _build_loss(self) -> Any:
        """nnU-Net's loss at every scale, computed in one pass."""
        loss = super()._build_loss()
        loss.loss = DiceAndCrossEntropy()
        return loss

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(  # noqa: N802  # nnU-Net's name
        self,
    ) -> tuple[tuple[float, float], bool, Any, tuple[int, ...]]:
        """Rotations of a lying head, the recipe's mirroring; thick slices are turned in-plane only."""
        patch = self.configuration_manager.patch_size
        rotation = (-ROTATION, ROTATION)
        in_plane = len(patch) == 3
        initial = get_patch_size(patch, rotation, rotation, rotation, SCALES)
        if in_plane:
            initial[0] = patch[0]
        self.inference_allowed_mirroring_axes = None
        return rotation, in_plane, initial, tuple(self.recipe["mirror_axes"])

    def get_training_transforms(self, *arguments: Any, **options: Any) -> Any:
        """nnU-Net's augmentation, with elastic deformation where the recipe asks for it."""
        transforms = ResumableTrainer.get_training_transforms(*arguments, **options)
        for transform in transforms.transforms:
            if isinstance(transform, SpatialTransform):
                transform.p_elastic_deform = self.recipe["elastic_probability"]
        return transforms

    def on_train_start(self) -> None:
        """nnU-Net's preparations; a balanced training counts voxels and, from random weights, sets priors."""
        super().on_train_start()
        self.unknown = self._unknown_classes()
        if self.recipe["balanced"]:
            self.class_voxels = self._count_voxels()
            if self.current_epoch == 0 and self.from_random:
                self._start_from_priors()

    def on_train_epoch_start(self) -> None:
        """Set learning rate and, in a balanced training, the cross-entropy's class weights."""
        super().on_train_epoch_start()
        if self.recipe["balanced"]:
            weights = class_weights(self.class_voxels, self.current_epoch / self.num_epochs)
            self.loss.loss.weight = torch.tensor(weights, dtype=torch.float32, device=self.device)

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A step in which organs that nobody contoured in a sample are not taught as background."""
        self._tell_unknown(batch["keys"])
        return super().train_step(batch)

    def validation_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """nnU-Net's; its pseudo Dice takes organs that nobody contoured for absent."""
        self._tell_unknown(batch["keys"])
        return dict(super().validation_step(batch))

    def _tell_unknown(self, samples: Sequence[str]) -> None:
        """Tell the loss which classes are unknown in the next batch."""
        classes = [self.unknown.get(name, ()) for name in samples]
        self.loss.loss.unknown = None
        if any(classes):
            unknown = torch.zeros((len(samples), self.label_manager.num_segmentation_heads), dtype=torch.bool)
            for row, of_sample in zip(unknown, classes, strict=True):
                row[list(of_sample)] = True
            self.loss.loss.unknown = unknown.to(self.device)

    def _unknown_classes(self) -> dict[str, tuple[int, ...]]:
        """By sample, the classes that its labels hold as background; samples without any are left out."""
        found = {}
        for dataset in self.get_tr_and_val_datasets():
            for name in set(dataset.identifiers):
                properties = dataset.load_case(name)[3]
                if properties.get(UNKNOWN):
                    found[name] = tuple(properties[UNKNOWN])
        return found

    def _count_voxels(self) -> NDArray[np.int64]:
        """Voxels of each class in a few training samples."""
        dataset, _ = self.get_tr_and_val_datasets()
        counts = np.zeros(self.label_manager.num_segmentation_heads, dtype=np.int64)
        for name in dataset.identifiers[:WEIGHING_SAMPLES]:
            _, seg, _, _ = dataset.load_case(name)
            counts += np.bincount(seg[:].ravel(), minlength=counts.size)
        return counts

    def _start_from_priors(self) -> None:
        """Let every head begin near the classes' shares."""
        bias = torch.tensor(prior_logits(self.class_voxels), dtype=torch.float32)
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                if "decoder.heads." in name:
                    if name.endswith("bias"):
                        parameter.copy_(bias)
                    else:
                        parameter.mul_(HEAD_SCALE)
