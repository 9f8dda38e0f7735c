"""Networks in int8: NNCF's post-training quantisation of this project's graphs, ready to label tiles.

NNCF is not among the requirements; whoever imports this module needs it only when ``quantise`` is called.
"""

import logging
import tempfile
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.bundle import ModelSpec
from hnseg_infer.class_maps import ClassMap
from hnseg_infer.engines.engine import Labeller
from hnseg_infer.engines.numpy_arrays import NumpyArrays
from hnseg_infer.engines.openvino_engine import OpenVINONetwork
from hnseg_infer.engines.openvino_graph import SPLIT_CHANNELS, split_image, unet_graph
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.preprocessing import Window, normalized
from hnseg_infer.slice_range import organ_slices
from hnseg_infer.sliding_window import label_tiles
from hnseg_infer.tiling import patch_3d
from hnseg_infer.views import clipped, cut, within
from hnseg_infer.volume import Volume
from hnseg_train.dataset import training_window
from hnseg_train.recipes import LITE

NNCF = "3.4.0"

Tile = NDArray[np.float32]

SETTINGS = {
    "plain": "nothing",
    "ends": "the first and the last convolution",
    "maps": "also the additions where the decoder joins two maps, and the up-sampling",
    "fine": "also every convolution at full resolution",
    "extremes": "as before, but each range spans the extremes of all tiles, not their mean",
}
"""What stays in bfloat16, each setting with what the one before it keeps."""


class Int8Network(OpenVINONetwork):
    """The engine's network with a quantised graph; what is not quantised runs in bfloat16."""

    def __init__(self, model: NetworkModel, quantised: Any) -> None:
        super().__init__(openvino.Core(), model, "bf16")
        self._quantised = quantised

    def _graph(self) -> tuple[Any, Any]:
        copy = self._quantised.clone()
        return copy.get_parameters()[0], copy.get_results()[0].input_value(0)


class TileRecorder(NumpyArrays):
    """A ``TileNetwork`` that computes nothing and keeps the tiles that it is shown."""

    def __init__(self, model: NetworkModel) -> None:
        self.tiles: list[Tile] = []
        self._box = patch_3d(model.patch)
        self._classes = model.classes
        self.weights = np.ones(self._box, np.float32)

    def labels(self, tile: Tile) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        return np.zeros(self._box, np.uint8), self.weighted_logits(tile)

    def weighted_logits(self, tile: Tile) -> NDArray[np.float32]:
        self.tiles.append(tile.copy())
        return np.broadcast_to(np.float32(0), (*self._box, self._classes))


def import_nncf() -> Any:
    """The module; ends the program with one sentence where it cannot be imported."""
    try:
        # after openvino_runtime, without which openvino and NNCF would send reports
        nncf = import_module("nncf")
    except ImportError as error:
        raise SystemExit(
            f"NNCF cannot be imported ({error}): run `pip install --target FOLDER --no-deps nncf=={NNCF} "
            "ninja psutil pydot tabulate` and put FOLDER on PYTHONPATH."
        ) from None
    nncf.set_log_level(logging.WARNING)
    return nncf


def calibration_tiles(spec: ModelSpec, ct: Volume, labels: NDArray[np.uint8], most: int) -> list[Tile]:
    """Tiles ``[z, y, x]`` of a canonical CT as the pipeline shows them to a model; evenly at most so many.

    Those of the small-organ ROI lie as in training, around the reference ``labels`` and beside them.
    """
    recipe = next(recipe for recipe in LITE.models if recipe.crop == spec.crop)
    recorder = TileRecorder(spec.network)
    slices = organ_slices(ct.array, ct.geometry.spacing_zyx)
    windows = training_window(recipe, ct, labels)
    if windows is None:
        return []
    window, seen = windows
    image = normalized(
        cut(ct.array, window), spec.network.hu_window, None if seen == window else ct.array[seen]
    )
    # beyond the CT is nothing to calibrate on
    image = image[within(window, clipped(window, ct.geometry.shape))]
    region: Window | None = None
    if spec.roi is None:
        region = slices, slice(0, image.shape[1]), slice(0, image.shape[2])
    label_tiles(recorder, image, spec.network.patch, spec.network.classes, region)
    count = len(recorder.tiles)
    chosen = np.linspace(0, count - 1, min(most, count)).round().astype(int)
    return [recorder.tiles[index] for index in chosen]


def quantise(model: NetworkModel, tiles: Sequence[Tile], setting: str) -> Any:
    """The network as an ``openvino.Model`` that ends in its logits, its ranges taken from the tiles."""
    nncf = import_nncf()
    advanced = nncf.AdvancedQuantizationParameters()
    if setting == "extremes":
        ranges = import_module("nncf.quantization.range_estimator").RangeEstimatorParametersSet
        advanced.activations_range_estimator_params = ranges.MINMAX
    assert model.layout is not None
    image, logits = unet_graph(model, model.layout, True)
    graph = openvino.Model([logits], [image])
    return nncf.quantize(
        graph,
        nncf.Dataset(tiles, partial(_split, model)),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(tiles),
        ignored_scope=nncf.IgnoredScope(names=kept_in_bfloat16(graph.get_ordered_ops(), setting)),
        advanced_parameters=advanced,
    )


def kept_in_bfloat16(operations: Iterable[Any], setting: str) -> list[str]:
    """Names of the operations of a U-Net's graph, in their order, that a setting does not quantise."""
    level = list(SETTINGS).index(setting)
    operations = list(operations)
    kinds = "Convolution", "ConvolutionBackpropData"  # the last is written as a transposed one
    convolutions = [node for node in operations if node.get_type_name() in kinds]
    kept = [convolutions[0], convolutions[-1]] if level >= 1 else []
    if level >= 2:
        kept += [node for node in operations if node.get_type_name() == "Interpolate" or _joins(node)]
    if level >= 3:
        finest = convolutions[0].get_output_shape(0)[2:]
        kept += [node for node in convolutions[1:-1] if node.get_output_shape(0)[2:] == finest]
    return [node.get_friendly_name() for node in kept]


def activation_ranges(quantised: Any) -> int:
    """How many maps of a quantised graph are rounded: each has one range."""
    return sum(node.get_type_name() == "FakeQuantize" for node in quantised.get_ordered_ops())


def size_bytes(quantised: Any) -> int:
    """Of a quantised graph as OpenVINO saves it."""
    with tempfile.TemporaryDirectory() as folder:
        openvino.save_model(quantised, Path(folder) / "network.xml")
        return sum(file.stat().st_size for file in Path(folder).iterdir())


def labeller(model: NetworkModel, quantised: Any) -> Labeller:
    """The quantised network as the pipeline takes it."""
    network = Int8Network(model, quantised)

    def labels(image: Tile, region: Window | None = None, progress: Any = None, /) -> ClassMap:
        return label_tiles(network, image, model.patch, model.classes, region, progress)

    return labels


def _split(model: NetworkModel, tile: Tile) -> Tile:
    channels = np.empty((1, SPLIT_CHANNELS, *model.patch), np.float32)
    split_image(tile.reshape(model.patch), channels[0])
    return channels


def _joins(node: Any) -> bool:
    """Whether it adds two maps, rather than a bias to one."""
    inputs = [node.input_value(index).get_node().get_type_name() for index in range(node.get_input_size())]
    return node.get_type_name() == "Add" and "Constant" not in inputs
