"""What every engine offers, and which one a device name stands for."""

import ctypes
import sys
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.class_maps import ClassMap, RankedMap
from hnseg_infer.devices import DEVICES, Precision
from hnseg_infer.errors import DeviceError
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.preprocessing import Window
from hnseg_infer.progress import TileProgress


class Labeller(Protocol):
    """A network ready to run."""

    def __call__(
        self,
        image: NDArray[np.float32],
        region: Window | None = None,
        progress: TileProgress | None = None,
        /,
    ) -> ClassMap:
        """From a normalised image ``[z, y, x]`` to the network's class (0 = background) of every voxel.

        region: the box outside which every voxel is background.
        """


class Ranker(Protocol):
    """A network ready to run whose result is to be interpolated."""

    def __call__(
        self,
        image: NDArray[np.float32],
        region: Window | None = None,
        progress: TileProgress | None = None,
        /,
    ) -> RankedMap:
        """From a normalised image ``[z, y, x]`` to the likeliest classes of every voxel.

        region: the box outside which all is background.
        """


class Engine(Protocol):
    """Runs networks on one device in one precision."""

    @property
    def description(self) -> str:
        """Device, library and precision, for the report."""

    def load(self, model: NetworkModel, overlapping: bool = False) -> Labeller:
        """Prepare a network once; the result is called once per image and may reuse its buffers.

        overlapping: whether images will be larger than the patch, which decides what is prepared in advance.
        """

    def load_ranker(self, model: NetworkModel, overlapping: bool = False) -> Ranker:
        """The same for the likeliest classes and their probabilities, which take longer than labels."""


def select_engine(device: str = "auto", precision: Precision = "auto") -> Engine:
    """The engine for ``auto`` (a CUDA GPU where there is one, else the CPU), ``cuda`` or ``cpu``.

    Raises DeviceError when the name is unknown, no CUDA GPU can be used, or the device lacks the precision.
    """
    if device not in DEVICES:
        raise DeviceError(f"The device {device!r} is unknown; accepted are {', '.join(DEVICES)}.")
    if device != "cpu":
        if _driver_sees_a_gpu():
            import torch

            if torch.cuda.is_available():
                from hnseg_infer.engines.torch_engine import TorchEngine

                return TorchEngine("cuda", precision)
        if device == "cuda":
            raise DeviceError(
                "The device cuda was asked for, but no CUDA GPU can be used here; accepted is cpu."
            )
    from hnseg_infer.engines.openvino_engine import OpenVINOEngine

    return OpenVINOEngine(precision)


def _driver_sees_a_gpu() -> bool:
    """Whether NVIDIA's driver is there and finds a GPU: without one, torch need not be imported."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
