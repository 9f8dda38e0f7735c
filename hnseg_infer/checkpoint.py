"""Reads a PyTorch checkpoint as numpy arrays, without torch: importing it would take longer than reading.

A checkpoint is a zip archive: ``data.pkl`` with the structure, ``data/<key>`` with each tensor's bytes. The
structure is unpickled with a short list of names allowed, so that it can hold data and no code.
"""

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import BundleError

STORAGES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
"""What a tensor may consist of; bfloat16 is missing because numpy has no such type."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The checkpoint's dictionary: plain Python values, and read-only arrays in place of tensors.

    Raises BundleError for a file that is no checkpoint, or one that holds anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            checkpoint = _Unpickler(archive).load()
    except pickle.UnpicklingError:
        raise BundleError(f"{path} holds more than weights; accepted are stripped checkpoints.") from None
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, LookupError, TypeError):
        raise BundleError(f"{path} is not a readable checkpoint.") from None
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("network_weights"), dict):
        raise BundleError(f"{path} holds no network weights.")
    return checkpoint


class _Unpickler(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile) -> None:
        (structure,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        self._archive = archive
        self._folder = structure.removesuffix("/data.pkl")
        if f"{self._folder}/byteorder" in archive.namelist() and self._bytes("byteorder") != b"little":
            raise ValueError("big-endian")
        super().__init__(BytesIO(self._bytes("data.pkl")))

    def find_class(self, module: str, name: str) -> Any:
        """The few things a stripped checkpoint refers to; UnpicklingError for any other."""
        if module == "torch" and name in STORAGES:
            return np.dtype(STORAGES[name])
        allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return allowed[module, name]

    def persistent_load(self, reference: Any) -> NDArray[Any]:
        """A storage: ``("storage", type, key, device, number of elements)``."""
        _, dtype, key, _, count = reference
        storage = np.frombuffer(self._bytes(f"data/{key}"), dtype)
        if storage.size != count:
            raise ValueError("cut off")
        return storage

    def _bytes(self, name: str) -> bytes:
        return self._archive.read(f"{self._folder}/{name}")


def _tensor(
    storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_gradient: Any
) -> NDArray[Any]:
    """A view of the storage; raises ValueError where it would reach beyond."""
    if math.prod(size) == 0:
        return np.empty(size, storage.dtype)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or last >= storage.size:
        raise ValueError("a tensor beyond its storage")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)
