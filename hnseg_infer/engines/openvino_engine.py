"""OpenVINO: the CPU engine, in bfloat16 where the processor computes in it, else in single precision."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.class_maps import ClassMap, RankedMap
from hnseg_infer.cpus import granted_cpus, shares_cpus
from hnseg_infer.devices import Precision
from hnseg_infer.engines.engine import Labeller, Ranker
from hnseg_infer.engines.numpy_arrays import NumpyArrays
from hnseg_infer.engines.openvino_graph import split_image, unet_graph
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.errors import DeviceError
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.preprocessing import Window
from hnseg_infer.progress import TileProgress
from hnseg_infer.sliding_window import label_tiles, rank_tiles
from hnseg_infer.tiling import gaussian_weights, patch_3d

ops = openvino.opset13

Tile = NDArray[np.float32]


class OpenVINOEngine:
    """One infer request per network, on all CPUs granted; its input and output buffers are reused."""

    def __init__(self, precision: Precision = "auto") -> None:
        """precision: ``bf16``, ``f32``, or ``auto`` for the fastest that the CPU has hardware for.

        Raises DeviceError for any other.
        """
        if precision not in ("auto", "bf16", "f32"):
            raise DeviceError(f"The CPU does not compute in {precision}; accepted are auto, bf16, f32.")
        self._core = openvino.Core()
        has_bf16 = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self._precision = precision if precision != "auto" else "bf16" if has_bf16 else "f32"

    @property
    def description(self) -> str:
        """Such as ``cpu (openvino bf16)``."""
        return f"cpu (openvino {self._precision})"

    def load(self, model: NetworkModel, overlapping: bool = False) -> Labeller:
        """Build and compile the network for its patch size."""
        network = OpenVINONetwork(self._core, model, self._precision)
        network.prepare(overlapping)

        def labels(
            image: Tile, region: Window | None = None, progress: TileProgress | None = None
        ) -> ClassMap:
            return label_tiles(network, image, model.patch, model.classes, region, progress)

        return labels

    def load_ranker(self, model: NetworkModel, overlapping: bool = False) -> Ranker:
        """The same for the likeliest classes."""
        network = OpenVINONetwork(self._core, model, self._precision)
        network.prepare(overlapping)

        def ranks(
            image: Tile, region: Window | None = None, progress: TileProgress | None = None
        ) -> RankedMap:
            return rank_tiles(network, image, model.patch, model.classes, region, progress)

        return ranks


class OpenVINONetwork(NumpyArrays):
    """A ``TileNetwork`` of numpy arrays."""

    def __init__(self, core: Any, model: NetworkModel, precision: str) -> None:
        self._core = core
        self._model = model
        self._precision = precision
        self._box = patch_3d(model.patch)
        self.weights = gaussian_weights(model.patch).reshape(self._box)
        # single precision loses nothing in the first convolution
        self._splits_input = precision == "bf16" and model.layout is not None

    def prepare(self, overlapping: bool) -> None:
        """Compile what an image of one tile, or of overlapping tiles, needs."""
        _ = self._weighted_request if overlapping else self._labels_request

    def labels(self, tile: Tile) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        labels, logits = self._infer(self._labels_request, tile)
        return labels.reshape(self._box), logits.reshape(*self._box, self._model.classes)

    def weighted_logits(self, tile: Tile) -> NDArray[np.float32]:
        (output,) = self._infer(self._weighted_request, tile)
        return output.reshape(*self._box, self._model.classes)

    def _infer(self, request: Any, tile: Tile) -> list[NDArray[Any]]:
        """The request's outputs for a tile, in buffers that the next call overwrites."""
        channels = request.get_input_tensor().data[0]
        if self._splits_input:
            split_image(tile.reshape(self._model.patch), channels)
        else:
            channels[0] = tile.reshape(self._model.patch)
        request.infer()
        return [tensor.data for tensor in request.output_tensors]

    @cached_property
    def _labels_request(self) -> Any:
        image, logits = self._graph()
        largest = ops.topk(logits, np.int64(1), 1, "max", "none").output(1)
        return self._compiled(image, ops.convert(largest, np.uint8), self._class_last(logits))

    @cached_property
    def _weighted_request(self) -> Any:
        image, logits = self._graph()
        weighted = ops.multiply(logits, ops.constant(gaussian_weights(self._model.patch)[None, None]))
        return self._compiled(image, self._class_last(weighted))

    def _class_last(self, logits: Any) -> Any:
        """``[1, (z,) y, x, class]``, the order in which convolutions keep them."""
        axes = len(self._model.patch)
        return ops.transpose(logits, np.array([0, *range(2, 2 + axes), 1]))

    def _graph(self) -> tuple[Any, Any]:
        if self._model.layout is not None:
            return unet_graph(self._model, self._model.layout, self._splits_input)
        # torch is imported for a bundle that brings another network, and only then
        from hnseg_infer.engines.openvino_tracing import traced_graph

        return traced_graph(self._model)

    def _compiled(self, parameter: Any, *results: Any) -> Any:
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": granted_cpus(),
            "INFERENCE_PRECISION_HINT": self._precision,
        }
        if shares_cpus():
            options["ENABLE_CPU_PINNING"] = False
        compiled = self._core.compile_model(openvino.Model(list(results), [parameter]), "CPU", options)
        return compiled.create_infer_request()
