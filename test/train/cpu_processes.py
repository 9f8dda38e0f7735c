"""HNSegTrainer in several processes on the CPU, where nnU-Net's distributed training wants GPUs.

Two things are other than on GPUs: batch norm is not synchronised, and DistributedDataParallel is told of no
device. Batches, seeds, gradients, checkpoints and reports take the same way.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.training.nnUNetTrainer import nnUNetTrainer as nnunet_trainer  # noqa: N813
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from hnseg_train.trainer import HNSegTrainer


class CpuProcessesTrainer(HNSegTrainer):
    """Leaves ``seen_<rank>.json`` beside the checkpoints: batch sizes, samples' sums, weights in the end."""

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int | str,
        dataset_json: dict[str, Any],
        device: torch.device,
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        assert self.is_ddp
        self.device = device
        self.seen: list[tuple[int, float]] = []
        nnunet_trainer.DDP = lambda network, device_ids: DistributedDataParallel(network)
        torch.nn.SyncBatchNorm.convert_sync_batchnorm = staticmethod(lambda network: network)

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        if self.recipe.get("fails_on_rank") == self.local_rank:
            raise RuntimeError("no more memory")
        self.seen.append((len(batch["data"]), float(batch["data"].double().abs().sum())))
        return super().train_step(batch)

    def on_train_end(self) -> None:
        weights = [parameter.detach().numpy().ravel() for parameter in self.network.parameters()]
        content = {
            "processes": distributed.get_world_size(),
            "batches": self.seen,
            "weights": np.concatenate(weights).astype(np.float64).tolist(),
        }
        folder = Path(self.output_folder)
        (folder / f"seen_{self.local_rank}.json").write_text(json.dumps(content))
        super().on_train_end()
