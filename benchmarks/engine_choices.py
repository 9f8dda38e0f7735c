"""What the CPU engine's choices bring: each against the plain way, alternating in one process.

    python benchmarks/paper_bundle.py BUNDLE
    python benchmarks/engine_choices.py --bundle BUNDLE

Writes ``results/engine_choices.json`` and ``.md``. Speed is measured on the given bundle. How the labels of a
bfloat16 network depend on its first convolution (as it is, or with image and weights split in two parts) and
on its last (with logits in bfloat16, or in single precision) is measured on the shipped 2D model, whose
weights are trained, and slices of a generated patient.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from child import run_python
from numpy.typing import NDArray
from record import add_output_options, origin, origin_line, spread, write_result
from timing_ct import CASE, SEED

from hnseg_infer.bundle import load_bundle
from hnseg_infer.cpus import granted_cpus
from hnseg_infer.engines.openvino_graph import split_image, unet_graph
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.engines.openvino_tracing import traced_graph
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.preprocessing import z_score
from hnseg_train.evaluation.table import markdown_table
from hnseg_train.phantom import generate

EVERY = 4
"""Slices of the generated patient from one that is looked at to the next."""

ops = openvino.opset13

Graph = tuple[Any, Any]


def main() -> int:
    """Measure and write; with ``--compile`` only compile, for the measurement of OpenVINO's model cache."""
    parser = argparse.ArgumentParser(description="What the CPU engine's choices bring.")
    parser.add_argument("--bundle", type=Path, required=True, help="for example of paper_bundle.py")
    parser.add_argument("--runs", type=int, default=5, help="of each tile (default: %(default)s)")
    parser.add_argument("--compile", metavar="CACHE", help="only compile, with this cache folder")
    add_output_options(parser, "engine_choices")
    arguments = parser.parse_args()
    arguments.bundle = arguments.bundle.resolve()
    models = {model.name: model.network for model in load_bundle(arguments.bundle).models}
    if arguments.compile is not None:
        start = perf_counter()
        for model in models.values():
            compiled(built(model), cache=arguments.compile)
        print(json.dumps({"seconds": perf_counter() - start}))
        return 0
    result = {
        **origin(),
        "tile_seconds": {name: tile_seconds(model, arguments.runs) for name, model in models.items()},
        "prepare_seconds": prepare_seconds(arguments.bundle),
        "differing_percent": differing_percent(),
    }
    write_result(arguments, result, report(result))
    return 0


def built(model: NetworkModel, split: bool = False) -> Graph:
    """The engine's own graph. Raises SystemExit for a network that it has none for."""
    if model.layout is None:
        raise SystemExit(f"{model.folder} holds another network than this project's U-Net.")
    return unet_graph(model, model.layout, split)


def labelling(graph: Graph) -> Graph:
    """The graph with the arg-max inside."""
    image, logits = graph
    return image, ops.convert(ops.topk(logits, np.int64(1), 1, "max", "none").output(1), np.uint8)


def rounded_logits(graph: Graph) -> Graph:
    """The graph with its last convolution as bfloat16 computes it."""
    image, logits = graph
    last, bias = (logits.input_value(index).get_node() for index in range(2))
    features, kernel = (last.input_value(index) for index in range(2))
    axes = len(kernel.get_shape()) - 2
    none, ones = [0] * axes, [1] * axes
    swapped = ops.constant(np.swapaxes(kernel.get_node().data, 0, 1).copy())
    return image, ops.add(ops.convolution(features, swapped, ones, none, none, ones), bias)


def compiled(graph: Graph, precision: str = "bf16", cache: str = "") -> Any:
    """An infer request with the engine's settings."""
    image, result = graph
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": granted_cpus(),
        "INFERENCE_PRECISION_HINT": precision,
        **({"CACHE_DIR": cache} if cache else {}),
    }
    model = openvino.Core().compile_model(openvino.Model([result], [image]), "CPU", settings)
    return model.create_infer_request()


def tile_seconds(model: NetworkModel, runs: int) -> dict[str, list[float]]:
    """Seconds of a tile to its labels in each way, alternating, after one round that does not count."""
    inside = {
        "graph built from the weights, arg-max inside": compiled(labelling(built(model))),
        "the same, first convolution split": compiled(labelling(built(model, split=True))),
    }
    outside = {
        "graph traced by torch, arg-max outside": compiled(traced_graph(model)),
        "graph built from the weights, arg-max outside": compiled(built(model)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in (*outside, *inside)}
    for _ in range(runs + 1):
        for name, request in (*outside.items(), *inside.items()):
            start = perf_counter()
            request.infer()
            if name in outside:
                request.get_output_tensor().data.argmax(axis=1).astype(np.uint8)
            seconds[name].append(perf_counter() - start)
    return {name: values[1:] for name, values in seconds.items()}


def prepare_seconds(bundle: Path) -> dict[str, float]:
    """Seconds to build and compile all models in a fresh process, without and with OpenVINO's model cache."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: run_python(__file__, "--bundle", bundle, "--compile", cache).answer["seconds"]
            for name, cache in (("no cache", ""), ("cache empty", folder), ("cache filled", folder))
        }


def differing_percent() -> dict[str, float]:
    """Share (%) of the voxels with an organ in single precision that bfloat16 labels differently."""
    (model,) = [model.network for model in load_bundle().models if model.name == "2d"]
    slices = z_score(generate(SEED, CASE).ct.array)[::EVERY]
    expected = slice_labels(labelling(built(model)), slices, "f32")
    organs = expected > 0
    found = {
        name: slice_labels(labelling(graph), slices, "bf16")
        for name, graph in {
            "bf16": rounded_logits(built(model)),
            "bf16, first convolution split": rounded_logits(built(model, split=True)),
            "bf16, first convolution split, logits in single precision": built(model, split=True),
        }.items()
    }
    return {
        name: 100.0 * float(np.mean(labels[organs] != expected[organs])) for name, labels in found.items()
    }


def slice_labels(graph: Graph, slices: NDArray[np.float32], precision: str) -> NDArray[np.uint8]:
    """Labels ``[z, y, x]`` of slices that are as large as the 2D model's patch."""
    request = compiled(graph, precision)
    channels = request.get_input_tensor().data[0]
    labels = np.empty(slices.shape, np.uint8)
    for image, labelled in zip(slices, labels, strict=True):
        if len(channels) == 1:
            channels[0] = image
        else:
            split_image(image, channels)
        request.infer()
        labelled[:] = request.get_output_tensor().data[0, 0]
    return labels


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    tiles = result["tile_seconds"]
    ways = list(next(iter(tiles.values())))
    rows = [(way, *(spread(seconds[way], 3) for seconds in tiles.values())) for way in ways]
    return [
        "# What the CPU engine's choices bring",
        "",
        "Seconds of one tile to its labels in bfloat16, median and all runs:",
        "",
        *markdown_table(("", *tiles), rows),
        "",
        "Seconds to build and compile all models in a fresh process, by OpenVINO's model cache:",
        "",
        *markdown_table(
            ("", "seconds"), [(name, f"{s:.2f}") for name, s in result["prepare_seconds"].items()]
        ),
        "",
        "Shipped 2D model, a generated patient: voxels with an organ that bfloat16 labels differently from "
        "single precision, with the first convolution as it is, with its image and weights split in two "
        "bfloat16 parts, and with logits that are not rounded to bfloat16 besides:",
        "",
        *markdown_table(("", "%"), [(name, f"{s:.2f}") for name, s in result["differing_percent"].items()]),
        "",
        origin_line(result, "cpu (openvino)"),
    ]


if __name__ == "__main__":
    sys.exit(main())
