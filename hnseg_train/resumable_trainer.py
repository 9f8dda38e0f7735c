"""nnU-Net's trainer made resumable: whole checkpoints, and after a restart the same random numbers.

Tensors are ``[batch, channel, (z,) y, x]``. What an epoch draws follows from its number alone, so that with
one loader in the process (nnUNet_n_proc_DA=0) a resumed training gives the weights of an uninterrupted one.
"""

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from numpy.typing import NDArray

from hnseg_train.sampling import repeated
from hnseg_train.training import LATEST, SEED

EPOCHS_PER_PLOT = 5
"""Drawing progress.png takes a second or two."""


@dataclass(frozen=True)
class EpochReport:
    """What one epoch came to. epoch counts from 1; epochs is the most there can be; seconds it took."""

    epoch: int
    epochs: int
    loss: float
    pseudo_dice: float
    learning_rate: float
    seconds: float


class ResumableTrainer(nnUNetTrainer):  # type: ignore[misc]  # nnU-Net has no type information
    """Trains what the plans describe; epochs and iterations come from ``hnseg`` in the configuration.

    The signature must stay nnU-Net's, whose __init__ reads it by name. ``tell`` is called after every epoch.
    """

    network: torch.nn.Module
    current_epoch: int

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
        self.num_epochs = self.recipe["epochs"]
        self.num_iterations_per_epoch = self.recipe["iterations_per_epoch"]
        self.num_val_iterations_per_epoch = max(2, self.num_iterations_per_epoch // 25)
        self.tell: Callable[[EpochReport], None] = lambda report: None
        self.from_random = True

    def initialize(self) -> None:
        """Build network, optimiser and loss from the seed; channels-last suits convolutions."""
        torch.manual_seed(SEED)
        super().initialize()
        dimensions = len(self.configuration_manager.patch_size)
        layout = torch.channels_last if dimensions == 2 else torch.channels_last_3d
        self.network.to(memory_format=layout)  # type: ignore[call-overload]  # missing from torch's stubs

    def start_from(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Begin with the weights of a bundle's model of the same network, mostly in half precision."""
        # copies: arrays of a checkpoint cannot be written to
        tensors = {name: torch.from_numpy(value.copy()) for name, value in weights.items()}
        network: Any = self.network.module if self.is_ddp else self.network
        # torch.compile wraps a network, too
        getattr(network, "_orig_mod", network).load_state_dict(tensors)
        self.from_random = False

    def get_tr_and_val_datasets(self) -> tuple[Any, Any]:
        """nnU-Net's, with training samples named as often as their source's share asks for."""
        training, validation = super().get_tr_and_val_datasets()
        training.identifiers = repeated(training.identifiers, Path(self.preprocessed_dataset_folder_base))
        return training, validation

    def on_epoch_start(self) -> None:
        """Draw anew from the epoch's own seed; with several GPUs each draws its own samples."""
        super().on_epoch_start()
        seed = SEED + self.current_epoch + 100_003 * self.local_rank
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """One optimiser step: nnU-Net's own on a GPU, in bf16 on the CPU (nnU-Net has AMP for CUDA alone)."""
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

    def ended(self) -> bool:
        """Whether the last epoch is done; schedules may end a training earlier."""
        return bool(self.current_epoch >= self.num_epochs)

    def run_training(self) -> None:
        """Train to the end."""
        self.on_train_start()
        while not self.ended():
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

    def on_validation_epoch_end(self, val_outputs: list[dict[str, Any]]) -> None:
        """nnU-Net's pseudo Dice; of a class that no validation patch holds it is undefined, and left out."""
        with np.errstate(invalid="ignore"):
            super().on_validation_epoch_end(val_outputs)

    def on_epoch_end(self) -> None:
        """Report the epoch; now and then keep a checkpoint and draw progress.png.

        No checkpoint of the best epoch is kept: nothing uses it.
        """
        self.logger.log("epoch_end_timestamps", time.time(), self.current_epoch)
        done = self.current_epoch + 1
        if done % self.recipe["checkpoint_every"] == 0 and done < self.num_epochs:
            self.save_checkpoint(str(Path(self.output_folder) / LATEST))
        if done % EPOCHS_PER_PLOT == 0 and self.local_rank == 0:
            self.logger.plot_progress_png(self.output_folder)
        values = {key: float(self.logger.get_value(key, step=-1)) for key in _LOGGED}
        report = EpochReport(
            epoch=done,
            epochs=self.num_epochs,
            loss=values["train_losses"],
            pseudo_dice=values["mean_fg_dice"],
            learning_rate=values["lrs"],
            seconds=values["epoch_end_timestamps"] - values["epoch_start_timestamps"],
        )
        self.print_to_log_file(report)
        if self.local_rank == 0:
            self.tell(report)
        self.current_epoch = done

    def on_train_end(self) -> None:
        """Keep the final checkpoint and the last curve."""
        if self.local_rank == 0:
            self.logger.plot_progress_png(self.output_folder)
        super().on_train_end()

    def save_checkpoint(self, filename: str) -> None:
        """Write a checkpoint that is either there whole or not at all."""
        if self.local_rank == 0:
            unfinished = f"{filename}.part"
            super().save_checkpoint(unfinished)
            os.replace(unfinished, filename)

    def plot_network_architecture(self) -> None:
        """Nothing: nnU-Net's plot needs a package that no longer installs."""

    def print_to_log_file(self, *values: Any, also_print_to_console: bool = False, **options: Any) -> None:
        """To nnU-Net's log file alone; the terminal gets one line an epoch."""
        super().print_to_log_file(*values, also_print_to_console=False, **options)


_LOGGED = ("train_losses", "mean_fg_dice", "lrs", "epoch_start_timestamps", "epoch_end_timestamps")
