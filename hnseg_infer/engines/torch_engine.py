"""PyTorch: half precision on a CUDA GPU; single precision on the CPU, the reference for other engines."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from hnseg_infer.class_maps import RANKS, ClassMap, RankedMap
from hnseg_infer.cpus import granted_cpus
from hnseg_infer.devices import Precision
from hnseg_infer.engines.engine import Labeller, Ranker
from hnseg_infer.errors import DeviceError
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.networks.build import build_network
from hnseg_infer.preprocessing import Window
from hnseg_infer.progress import TileProgress
from hnseg_infer.sliding_window import DType, label_tiles, rank_tiles
from hnseg_infer.tiling import gaussian_weights, patch_3d

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


class TorchEngine:
    """The sliding window stays on the device: image in, labels out, one transfer each way."""

    def __init__(self, device: Literal["cuda", "cpu"] = "cpu", precision: Precision = "auto") -> None:
        """precision: of weights and activations; f16 on cuda and f32 on cpu when not given.

        Raises DeviceError for an unknown one.
        """
        self._device = torch.device(device)
        if precision == "auto":
            precision = "f16" if device == "cuda" else "f32"
        if precision not in DTYPES:
            raise DeviceError(f"The precision {precision!r} is unknown; accepted are {', '.join(DTYPES)}.")
        self._dtype = DTYPES[precision]
        if device == "cpu":
            torch.set_num_threads(granted_cpus())

    @property
    def description(self) -> str:
        """Such as ``cuda (NVIDIA A10G, torch float16)``."""
        precision = f"torch {str(self._dtype).removeprefix('torch.')}"
        if self._device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name(self._device)}, {precision})"
        return f"cpu ({precision})"

    def load(self, model: NetworkModel, overlapping: bool = False) -> Labeller:
        """Fold batch norm into the convolutions and move the network to the device."""
        network = _Network(model, self._device, self._dtype)

        def labels(
            image: NDArray[np.float32], region: Window | None = None, progress: TileProgress | None = None
        ) -> ClassMap:
            with _repeatable():
                return label_tiles(network, image, model.patch, model.classes, region, progress)

        return labels

    def load_ranker(self, model: NetworkModel, overlapping: bool = False) -> Ranker:
        """The same for the likeliest classes."""
        network = _Network(model, self._device, self._dtype)

        def ranks(
            image: NDArray[np.float32], region: Window | None = None, progress: TileProgress | None = None
        ) -> RankedMap:
            with _repeatable():
                return rank_tiles(network, image, model.patch, model.classes, region, progress)

        return ranks


@contextmanager
def _repeatable() -> Iterator[None]:
    """Inference alone; timing-based choice of algorithms would make two runs differ."""
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
    ):
        yield


class _Network:
    """A ``TileNetwork`` of tensors on the device."""

    def __init__(self, model: NetworkModel, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._patch = model.patch
        self._box = patch_3d(model.patch)
        # with the channel last in memory, half-precision convolutions run on a GPU's matrix units as they are
        self._format = torch.channels_last if len(model.patch) == 2 else torch.channels_last_3d
        network = fold_batch_norm(build_network(model))
        self._network = network.to(  # type: ignore[call-overload]  # torch's stubs lack memory_format
            device=device, dtype=dtype, memory_format=self._format
        )
        self._dtype = dtype
        weights = gaussian_weights(model.patch).reshape(self._box)
        self.weights = torch.from_numpy(weights.copy()).to(device)

    def upload(self, image: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(image)).to(self._device)

    def zeros(self, shape: Sequence[int], dtype: DType) -> Tensor:
        return torch.zeros(*shape, dtype=getattr(torch, dtype), device=self._device)

    def labels(self, tile: Tensor) -> tuple[Tensor, Tensor]:
        logits = self._logits(tile)
        return self.argmax(logits), logits

    def weighted_logits(self, tile: Tensor) -> Tensor:
        return self._logits(tile).float() * self.weights[..., None]

    def argmax(self, sums: Tensor) -> Tensor:
        # on a CPU ``max`` is much faster than ``argmax``
        return sums.max(dim=-1).indices.to(torch.uint8)

    def entropy(self, logits: Tensor, labels: Tensor, covered: Tensor | None = None) -> Tensor:
        # a GPU would wait for a mask to be counted, and has the time for every voxel
        logs = torch.log_softmax(_divided(logits, covered), dim=-1)
        return (logs.exp() * logs).sum(dim=-1) / -log(2)

    def ranked(self, logits: Tensor, covered: Tensor | None = None) -> tuple[Tensor, Tensor]:
        shares = torch.softmax(_divided(logits, covered), dim=-1)
        largest = shares.topk(min(RANKS, logits.shape[-1]), dim=-1)
        return largest.indices.to(torch.uint8), largest.values.half()

    def download(self, array: Tensor) -> NDArray[Any]:
        return array.cpu().numpy()

    def _logits(self, tile: Tensor) -> Tensor:
        """``[z, y, x, class]``."""
        image = tile.to(self._dtype).reshape(1, 1, *self._patch).to(memory_format=self._format)
        logits: Tensor = self._network(image)
        return logits[0].movedim(0, -1).reshape(*self._box, -1)


def _divided(logits: Tensor, covered: Tensor | None) -> Tensor:
    """Logits in single precision from what they are times ``covered``, which is 0 where no tile lies."""
    if covered is None:
        return logits.float()
    return logits / covered.clamp_min(torch.finfo(covered.dtype).tiny)[..., None]


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Put every batch norm that directly follows a convolution into the convolution's weights, in place.

    Dropout may stand between them, since it does nothing in evaluation mode. Returns the network.
    """
    for sequence in network.modules():
        if not isinstance(sequence, nn.Sequential):
            continue
        before: tuple[int, nn.Conv2d | nn.Conv3d] | None = None
        for index, layer in enumerate(sequence):
            if isinstance(layer, nn.Conv2d | nn.Conv3d):
                before = index, layer
            elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d) and before is not None:
                position, convolution = before
                sequence[position] = fuse_conv_bn_eval(convolution, layer)
                sequence[index] = nn.Identity()
                before = None
            elif not isinstance(layer, nn.Dropout2d | nn.Dropout3d):
                before = None
    return network
