"""What every engine offers, and which one a device name stands for."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import DeviceError
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.progress import TileProgress

DEVICES = ("auto", "cuda", "cpu")


class Labeller(Protocol):
    """A network ready to run."""

    def __call__(
        self, image: NDArray[np.float32], progress: TileProgress | None = None, /
    ) -> NDArray[np.uint8]:
        """From a normalised image ``[z, y, x]`` to the network's class (0 = background) of every voxel."""


class Engine(Protocol):
    """Runs networks on one device in one precision."""

    @property
    def description(self) -> str:
        """Device, library and precision, for the report."""

    def load(self, model: NetworkModel) -> Labeller:
        """Prepare a network once; the result is called once per image and may reuse its buffers."""


def select_engine(device: str = "auto") -> Engine:
    """The engine for ``auto`` (a CUDA GPU where there is one, else the CPU), ``cuda`` or ``cpu``.

    Raises DeviceError when the name is unknown or no CUDA GPU can be used.
    """
    if device not in DEVICES:
        raise DeviceError(f"The device {device!r} is unknown; accepted are {', '.join(DEVICES)}.")
    if device != "cpu":
        import torch

        if torch.cuda.is_available():
            from hnseg_infer.engines.torch_engine import TorchEngine

            return TorchEngine("cuda")
        if device == "cuda":
            raise DeviceError(
                "The device cuda was asked for, but no CUDA GPU can be used here; accepted is cpu."
            )
    from hnseg_infer.engines.openvino_engine import OpenVINOEngine

    return OpenVINOEngine()
