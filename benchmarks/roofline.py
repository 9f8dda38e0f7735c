"""What share of the machine's matrix rate the networks reach over a case.

    python benchmarks/paper_bundle.py BUNDLE
    python benchmarks/roofline.py --bundle BUNDLE [--slices 130] [--runs 3]

The rate is that of a plain product of large square matrices by torch in the precision of the networks, the
best of many, measured in turns with the case in the same process on the same threads. Writes
``results/roofline.json`` and ``.md``; exits with 1 when the share is under the threshold.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import torch
from flops import convolution_flops, tile_count
from network_case import canonical_ct
from record import Check, add_output_options, check_table, origin, origin_line, spread, write_result
from timing_ct import add_case_options, chosen_cases

from hnseg_infer.cpus import granted_cpus
from hnseg_infer.head_place import head_center
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.networks.build import build_network
from hnseg_infer.pipeline import run_models
from hnseg_infer.volume import Volume
from hnseg_infer.windows import model_window
from hnseg_train.evaluation.table import markdown_table, number

LEAST_SHARE = 0.5
"""Of the matrix rate, over all networks."""

PRECISIONS = {"bf16": torch.bfloat16, "float16": torch.float16}
"""What an engine's description may name; single precision else."""


def main() -> int:
    """Measure case and rate in turns, write the result; returns 1 when the share is too small."""
    parser = argparse.ArgumentParser(description="Share of the machine's matrix rate.")
    parser.add_argument("--bundle", type=Path, required=True, help="for example of paper_bundle.py")
    add_case_options(parser, (130,), several=False)
    parser.add_argument("--runs", type=int, default=3, help="of the case (default: %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2048, 4096], help="of the matrices")
    add_output_options(parser, "roofline")
    arguments = parser.parse_args()
    torch.set_num_threads(granted_cpus())
    with tempfile.TemporaryDirectory() as folder:
        (case,) = chosen_cases(arguments, Path(folder))
        ct = canonical_ct(case.ct)
    loaded = load(arguments.bundle, arguments.device)
    device = "cuda" if loaded.device.startswith("cuda") else "cpu"
    precision = next((PRECISIONS[name] for name in PRECISIONS if name in loaded.device), torch.float32)
    rates, runs = [], []
    for _ in range(arguments.runs):
        rates.append(max(matrix_rate(size, device, precision) for size in arguments.sizes))
        runs.append(network_run(ct, loaded))
        seconds = sum(model["seconds"] for model in runs[-1].values())
        print(f"{rates[-1] / 1e12:.2f} TFLOP/s, networks {seconds:.1f} s", flush=True)
    figures = roofline(tile_flops(loaded), runs, max(rates))
    check = Check(
        f"share of the matrix rate >= {LEAST_SHARE}", figures["share"], figures["share"] >= LEAST_SHARE
    )
    result = {
        **origin(),
        "bundle": loaded.bundle.name,
        "device": loaded.device,
        "ct": case.name,
        "precision_of_rate": str(precision).removeprefix("torch."),
        "rates_flop_per_second": rates,
        **figures,
        "checks": [asdict(check)],
    }
    write_result(arguments, result, report(result))
    return 0 if check.passed else 1


def matrix_rate(size: int, device: str, precision: torch.dtype, seconds: float = 1.0) -> float:
    """Operations a second of the fastest product of two square matrices, tried for so many ``seconds``."""
    left, right = (torch.randn(size, size, device=device).to(precision) for _ in range(2))
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        torch.matmul(left, right)
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def network_run(ct: Volume, loaded: LoadedBundle) -> dict[str, dict[str, float]]:
    """Per model the seconds of its stage, the tiles that it ran, and those of its whole window."""
    seconds: dict[str, float] = {}
    ran: dict[str, int] = {}

    def progress(model: str, _done: int, tiles: int) -> None:
        ran[model] = tiles

    results, _ = run_models(ct, loaded, seconds, progress)
    labels = {name: result.labels for name, result in results.items()}
    head = head_center(ct.array, ct.geometry.spacing_zyx)
    run = {}
    for model in loaded.bundle.models:
        window, _ = model_window(model, ct, head, labels, loaded.bundle.organs)
        extent = [side.stop - side.start for side in window] if window else [0, 0, 0]
        run[model.name] = {
            "seconds": seconds[model.name],
            "tiles": ran.get(model.name, 0),
            "tiles_of_window": tile_count(extent, model.network.patch) if window else 0,
        }
    return run


def tile_flops(loaded: LoadedBundle) -> dict[str, int]:
    """Operations of one tile of each model."""
    return {
        model.name: convolution_flops(build_network(model.network), model.network.patch)
        for model in loaded.bundle.models
    }


def roofline(
    flops: Mapping[str, int], runs: Sequence[Mapping[str, Mapping[str, float]]], rate: float
) -> dict[str, Any]:
    """Least seconds at ``rate`` (operations a second) for the tiles that ran; their share of the median."""
    models: dict[str, dict[str, Any]] = {
        name: {
            "flop_per_tile": operations,
            "tiles": runs[-1][name]["tiles"],
            "tiles_of_window": runs[-1][name]["tiles_of_window"],
            "least_seconds": operations * runs[-1][name]["tiles"] / rate,
            "seconds": [run[name]["seconds"] for run in runs],
        }
        for name, operations in flops.items()
    }
    least = sum(model["least_seconds"] for model in models.values())
    seconds = [sum(model["seconds"] for model in run.values()) for run in runs]
    return {"models": models, "least_seconds": least, "seconds": seconds, "share": least / median(seconds)}


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    rows = [
        (
            name,
            number(model["flop_per_tile"] / 1e9, 1),
            f"{model['tiles']:.0f}",
            f"{model['tiles_of_window']:.0f}",
            number(model["least_seconds"], 2),
            spread(model["seconds"]),
            number(model["least_seconds"] / median(model["seconds"]), 2),
        )
        for name, model in result["models"].items()
    ]
    together = (number(result["least_seconds"], 2), spread(result["seconds"]), number(result["share"], 2))
    rates = [rate / 1e12 for rate in result["rates_flop_per_second"]]
    return [
        "# Share of the machine's matrix rate",
        "",
        f"Bundle `{result['bundle']}` over one CT ({result['ct']}). Operations are the "
        "multiplications and additions of the convolutions over the tiles that ran; least seconds are what "
        "they take at the "
        f"fastest product of large {result['precision_of_rate']} matrices by torch in the same process, "
        f"{max(rates):.2f} TFLOP/s ({', '.join(f'{rate:.2f}' for rate in rates)} before each run). "
        "Seconds are those of the whole stage, from a window in HU to its labels.",
        "",
        *check_table([Check(**item) for item in result["checks"]]),
        "",
        *markdown_table(
            ("model", "GFLOP a tile", "tiles", "of the window", "least seconds", "seconds", "share"),
            [*rows, ("**all**", "", "", "", *together)],
        ),
        "",
        origin_line(result, result["device"]),
    ]


if __name__ == "__main__":
    sys.exit(main())
