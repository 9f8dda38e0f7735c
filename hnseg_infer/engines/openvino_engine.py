"""OpenVINO: the CPU engine, in bfloat16 where the processor computes in it, else in single precision.

A network is traced by torch and read by OpenVINO's PyTorch frontend directly: ``openvino.convert_model``
does the same, but traces several times.
"""

import sys
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg_infer.cpus import granted_cpus
from hnseg_infer.engines.engine import Labeller
from hnseg_infer.model_folder import NetworkModel, build_network
from hnseg_infer.progress import TileProgress
from hnseg_infer.sliding_window import label_tiles, patch_3d

# Importing openvino sends a report to its maker. It does without where the package that sends cannot be
# imported, which is what None stands for here.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402
from openvino.frontend import FrontEndManager  # noqa: E402
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: E402

Precision = Literal["bf16", "f32"]


class OpenVINOEngine:
    """One infer request per network, on all CPUs granted; its input and output buffers are reused."""

    def __init__(self, precision: Precision | None = None) -> None:
        """precision: of the computation; the fastest that the CPU has hardware for when not given."""
        self._core = openvino.Core()
        has_bf16 = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self._precision: Precision = precision or ("bf16" if has_bf16 else "f32")
        # torch traces, accumulates and takes the arg-max
        torch.set_num_threads(granted_cpus())

    @property
    def description(self) -> str:
        """Such as ``cpu (openvino bf16)``."""
        return f"cpu (openvino {self._precision})"

    def load(self, model: NetworkModel) -> Labeller:
        """Convert and compile the network for its patch size."""
        compiled = self._core.compile_model(
            _convert(model),
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "NUM_STREAMS": 1,
                "INFERENCE_NUM_THREADS": granted_cpus(),
                "INFERENCE_PRECISION_HINT": self._precision,
            },
        )
        request = compiled.create_infer_request()
        box = patch_3d(model.patch)
        tile_buffer = torch.from_numpy(request.get_input_tensor().data).reshape(box)

        def logits(tile: Tensor) -> Tensor:
            tile_buffer.copy_(tile)
            request.infer()
            return torch.from_numpy(request.get_output_tensor().data).reshape(model.classes, *box)

        def labels(image: NDArray[np.float32], progress: TileProgress | None = None) -> NDArray[np.uint8]:
            with torch.inference_mode():
                return label_tiles(logits, image, model.patch, model.classes, torch.device("cpu"), progress)

        return labels


def _convert(model: NetworkModel) -> Any:
    """The network as an OpenVINO model with the patch size as its fixed input size."""
    example = torch.zeros((1, 1, *_smallest_input(model)))
    with torch.inference_mode():
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            build_network(model), example, check_trace=False
        )
    frontend = FrontEndManager().load_by_framework("pytorch")
    # the converter calls the decoder back, so it has to outlive the conversion
    decoder = TorchScriptPythonDecoder(traced)
    converted = frontend.convert(frontend.load(decoder))
    converted.reshape([1, 1, *model.patch])
    return converted


def _smallest_input(model: NetworkModel) -> list[int]:
    """One voxel at the deepest stage: tracing runs the network, which at full size takes up to a minute."""
    strides = model.architecture[1].get("strides")
    return np.prod(strides, axis=0, dtype=int).tolist() if strides else list(model.patch)
