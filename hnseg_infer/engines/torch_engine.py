"""PyTorch: half precision on a CUDA GPU; single precision on the CPU, the reference for other engines."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg_infer.cpus import granted_cpus
from hnseg_infer.engines.engine import Labeller
from hnseg_infer.model_folder import NetworkModel, build_network
from hnseg_infer.progress import TileProgress
from hnseg_infer.sliding_window import label_tiles, patch_3d


class TorchEngine:
    """The sliding window stays on the device: image in, labels out, one transfer each way."""

    def __init__(self, device: Literal["cuda", "cpu"] = "cpu", dtype: torch.dtype | None = None) -> None:
        """dtype: of weights and activations; float16 on cuda and float32 on cpu when not given."""
        self._device = torch.device(device)
        self._dtype = dtype or (torch.float16 if device == "cuda" else torch.float32)
        if device == "cpu":
            torch.set_num_threads(granted_cpus())

    @property
    def description(self) -> str:
        """Such as ``cuda (NVIDIA A10G, torch float16)``."""
        precision = f"torch {str(self._dtype).removeprefix('torch.')}"
        if self._device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name(self._device)}, {precision})"
        return f"cpu ({precision})"

    def load(self, model: NetworkModel) -> Labeller:
        """Move the network to the device."""
        network = build_network(model).to(device=self._device, dtype=self._dtype)
        box = patch_3d(model.patch)

        def logits(tile: Tensor) -> Tensor:
            result: Tensor = network(tile.to(self._dtype).reshape(1, 1, *model.patch))
            return result.reshape(model.classes, *box)

        def labels(image: NDArray[np.float32], progress: TileProgress | None = None) -> NDArray[np.uint8]:
            # timing-based choice of algorithms would make two runs differ
            with (
                torch.inference_mode(),
                torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
            ):
                return label_tiles(logits, image, model.patch, model.classes, self._device, progress)

        return labels
