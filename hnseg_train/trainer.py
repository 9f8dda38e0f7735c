"""nnU-Net's trainer with the recipe of docs/method.md: Adam, own schedules and mirroring, bf16 on the CPU.

Tensors are ``[batch, channel, (z,) y, x]``. The values under ``hnseg`` in the plans come from recipes.py.
"""

from typing import Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from hnseg_train.schedules import SMALLEST, class_weights, cycle_progress, plateau_rate, poly_rate

WEIGHING_CASES = 8
"""Cases whose voxels are counted for the class weights; organs' sizes differ by far more than patients."""

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


class HNSegTrainer(nnUNetTrainer):  # type: ignore[misc]  # nnU-Net has no type information
    """Trains one model of a recipe; the signature must stay nnU-Net's, whose __init__ reads it by name."""

    network: torch.nn.Module

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int | str,
        dataset_json: dict[str, Any],
        device: torch.device,
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.recipe: dict[str, Any] = self.configuration_manager.configuration["hnseg"]
        self.initial_lr = self.recipe["learning_rate"]
        self.num_epochs = self.recipe["epochs"]
        self.num_iterations_per_epoch = self.recipe["iterations_per_epoch"]
        self.num_val_iterations_per_epoch = max(2, self.num_iterations_per_epoch // 25)
        self.oversample_foreground_percent = self.recipe["foreground_fraction"]
        self.save_every = 5

    def initialize(self) -> None:
        """Build network, optimiser and loss; channels-last suits CPU convolutions."""
        super().initialize()
        dimensions = len(self.configuration_manager.patch_size)
        layout = torch.channels_last if dimensions == 2 else torch.channels_last_3d
        self.network.to(memory_format=layout)  # type: ignore[call-overload]  # missing from torch's stubs

    def learning_rate(self, epoch: int) -> float:
        """Learning rate of an epoch, from the recipe's schedule."""
        if self.recipe["schedule"] == "poly":
            return poly_rate(self._progress(epoch), self.initial_lr)
        return plateau_rate(self.logger.get_value("train_losses", step=None)[:epoch], self.initial_lr)

    def _progress(self, epoch: int) -> float:
        return cycle_progress(epoch, self.num_epochs, self.recipe["boost_from"])

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, _Rate]:
        """Adam with the recipe's schedule."""
        return torch.optim.Adam(self.network.parameters(), self.initial_lr), _Rate(self)

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
        transforms = nnUNetTrainer.get_training_transforms(*arguments, **options)
        for transform in transforms.transforms:
            if isinstance(transform, SpatialTransform):
                transform.p_elastic_deform = self.recipe["elastic_probability"]
        return transforms

    def on_train_start(self) -> None:
        """nnU-Net's preparations, then count the voxels of each class where the recipe weighs by them."""
        super().on_train_start()
        self.class_voxels = np.zeros(self.label_manager.num_segmentation_heads, dtype=np.int64)
        if self.recipe["boost_from"] is not None:
            dataset, _ = self.get_tr_and_val_datasets()
            for name in dataset.identifiers[:WEIGHING_CASES]:
                _, seg, _, _ = dataset.load_case(name)
                self.class_voxels += np.bincount(seg[:].ravel(), minlength=self.class_voxels.size)

    def on_train_epoch_start(self) -> None:
        """Set learning rate and, where the recipe says so, the cross-entropy's class weights."""
        super().on_train_epoch_start()
        boost_from = self.recipe["boost_from"]
        if boost_from is not None and self.current_epoch >= boost_from:
            weights = class_weights(self.class_voxels, self._progress(self.current_epoch))
            self.loss.loss.ce.weight = torch.tensor(weights, dtype=torch.float32, device=self.device)

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """One step of Adam: nnU-Net's own on a GPU, in bf16 on the CPU (nnU-Net has AMP for CUDA alone)."""
        if self.device.type != "cpu":
            return dict(super().train_step(batch))
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self.network(batch["data"])
        loss = self.loss([output.float() for output in outputs], batch["target"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 12)
        self.optimizer.step()
        return {"loss": loss.detach().numpy()}

    def plot_network_architecture(self) -> None:
        """Nothing: nnU-Net's plot needs a package that no longer installs."""

    def run_training(self) -> None:
        """Train until the last epoch, or until the plateau schedule has come to its end."""
        self.on_train_start()
        while self.current_epoch < self.num_epochs and self.learning_rate(self.current_epoch) >= SMALLEST:
            self.on_epoch_start()
            self.on_train_epoch_start()
            steps = range(self.num_iterations_per_epoch)
            self.on_train_epoch_end([self.train_step(next(self.dataloader_train)) for _ in steps])
            with torch.no_grad():
                self.on_validation_epoch_start()
                checks = range(self.num_val_iterations_per_epoch)
                self.on_validation_epoch_end(
                    [self.validation_step(next(self.dataloader_val)) for _ in checks]
                )
            self.on_epoch_end()
        self.on_train_end()
