"""nnU-Net v2's own predictor over one model folder, at its best settings: no mirroring, tiles half apart."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hnseg_infer.cpus import granted_cpus

# nnU-Net reads it on import; without it, it takes at most eight threads
os.environ.setdefault("nnUNet_def_n_proc", str(granted_cpus()))


class _SinglePrecisionTorch(ModuleType):
    """torch, but its half precision is single precision."""

    half = torch.float32

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@contextmanager
def single_precision_sums() -> Iterator[None]:
    """nnU-Net weights and accumulates in single precision, in place of its half precision.

    In half precision the weights at tile corners are the smallest numbers there are, and close classes lose
    voxels to rounding.
    """
    from nnunetv2.inference import predict_from_raw_data as module

    own = module.torch, module.compute_gaussian
    module.torch = _SinglePrecisionTorch("torch")
    module.compute_gaussian = partial(module.compute_gaussian, dtype=torch.float32)
    try:
        yield
    finally:
        module.torch, module.compute_gaussian = own


def load_predictor(model_folder: Path, device: str) -> Any:
    """The predictor, initialised from a model folder as its command line does; on ``cpu`` or ``cuda``."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(
        tile_step_size=0.5,
        use_mirroring=False,
        perform_everything_on_device=device == "cuda",
        device=torch.device(device),
        allow_tqdm=False,
    )
    predictor.initialize_from_trained_model_folder(str(model_folder), use_folds=("all",))
    return predictor


def predict_logits(predictor: Any, image: NDArray[np.float32]) -> torch.Tensor:
    """Logits ``[class, z, y, x]`` of a preprocessed image ``[z, y, x]``, on the CPU."""
    threads = torch.get_num_threads()
    logits: torch.Tensor = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(image)[None])
    torch.set_num_threads(threads)
    return logits
