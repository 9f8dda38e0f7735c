"""Seconds that every architecture takes for a slice and for a 3D tile at the paper's size, in OpenVINO.

    python benchmarks/network_speed.py

Patches, features and depth are those of the plan ``paper``, the weights random. All are measured in turn, as
often as asked for, and compared with the plain U-Net of the same round. Writes ``results/network_speed.json``
and ``.md``.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from paper_bundle import random_bundle
from record import add_output_options, origin, origin_line, spread, write_result

from hnseg_infer.bundle import load_bundle
from hnseg_infer.engines.openvino_engine import OpenVINONetwork
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.tiling import patch_3d
from hnseg_train.evaluation.table import markdown_table
from hnseg_train.recipes import PAPER, UNET
from hnseg_train.systems import NETWORKS

PLAIN = "unet"
"""What the others are compared with."""

ARCHITECTURES: Mapping[str, str] = {PLAIN: NETWORKS[PLAIN], **NETWORKS, "combined": UNET}


def main() -> int:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description="Time of a slice and of a tile by architecture.")
    parser.add_argument("--rounds", type=int, default=3, help="over all networks (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="of a network in a round (default: %(default)s)")
    parser.add_argument("--precision", choices=("bf16", "f32"), default="bf16", help="(default: %(default)s)")
    add_output_options(parser, "network_speed")
    arguments = parser.parse_args()
    core = openvino.Core()
    seconds: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as work:
        models = {name: paper_models(Path(work) / name, path) for name, path in ARCHITECTURES.items()}
        for _ in range(arguments.rounds):
            for name, of_name in models.items():
                for kind, model in of_name.items():
                    network = OpenVINONetwork(core, model, arguments.precision)
                    measured = seconds.setdefault(name, {}).setdefault(kind, [])
                    measured.append(tile_seconds(network, model, arguments.runs))
    result = {
        **origin(),
        "precision": arguments.precision,
        "patches": {kind: model.patch for kind, model in models[PLAIN].items()},
        "seconds": seconds,
    }
    write_result(arguments, result, report(result))
    return 0


def paper_models(folder: Path, class_path: str) -> dict[str, NetworkModel]:
    """A 2D and a 3D network of that class in the paper's size."""
    large = [model for model in PAPER.models if model.crop != "small_organ_roi"]
    models = tuple(replace(model, network=class_path) for model in large)
    random_bundle(folder, replace(PAPER, models=models))
    return {model.name: model.network for model in load_bundle(folder).models}


def tile_seconds(network: OpenVINONetwork, model: NetworkModel, runs: int) -> float:
    """Median of some runs over one tile, after one that compiles and warms up."""
    tile = np.random.default_rng(0).normal(size=patch_3d(model.patch)).astype(np.float32)
    # a slice is one tile, with its labels; 3D tiles overlap
    compute = network.labels if len(model.patch) == 2 else network.weighted_logits
    taken = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        compute(tile)
        taken.append(time.perf_counter() - start)
    return median(taken[1:])


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    kinds = result["patches"]
    head = [column for kind in kinds for column in (f"{kind.upper()} s a tile", f"x {PLAIN}")]
    rows = []
    for name, by_kind in result["seconds"].items():
        row = [name]
        for kind, values in by_kind.items():
            ratios = [own / plain for own, plain in zip(values, result["seconds"][PLAIN][kind], strict=True)]
            row += [spread(values, 3), spread(ratios)]
        rows.append(row)
    patches = "; ".join(f"{kind.upper()} {' x '.join(map(str, patch))}" for kind, patch in kinds.items())
    return [
        "# Time of the networks at the paper's size",
        "",
        f"One tile: {patches}; a 2D tile is a slice. OpenVINO in {result['precision']}, random weights. "
        "Median over the rounds, in brackets each round; a ratio is to the plain U-Net of the same round. "
        "`combined` is the first publication's U-Net, which our own graph computes; the others are traced.",
        "",
        *markdown_table(("network", *head), rows),
        "",
        origin_line(result, f"cpu (openvino {result['precision']})"),
    ]


if __name__ == "__main__":
    sys.exit(main())
