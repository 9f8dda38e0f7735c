"""How long a case takes and how much memory it needs: cold, warm, and what a process costs at its start.

    python benchmarks/paper_bundle.py BUNDLE
    python benchmarks/case_time.py --bundle BUNDLE [--slices 130 456] [--ct CT ...] [--container]

Cold is a fresh ``process.py`` with the CT as input folder, or with ``--container`` the container ``hnseg`` in
Grand Challenge's sandbox (``./build.sh`` makes it), from its start to its exit. Warm is a case in a process
that has loaded the bundle. Writes ``results/case_time.json`` and ``.md``; exits with 1 when a cold run takes
longer than the challenge allows.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from child import ROOT, run_python
from record import Check, add_output_options, check_table, origin, origin_line, spread, write_result
from sandbox import FLAGS, LIMIT, measure_sandboxed, open_folder
from startup_time import startup_seconds
from timing_ct import Case, add_case_options, chosen_cases

from hnseg_train.evaluation.table import markdown_table, number

PARTS = ("start", "cold", "warm")


def main() -> int:
    """Measure what was asked for, write the result; returns 1 when a cold run was too slow."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        # a container's user is not the one who made this folder
        scratch.chmod(0o755)
        start = {}
        if "start" in arguments.parts:
            start = startup_seconds(arguments.bundle, arguments.device, arguments.runs)
            print(f"start-up, seconds: {start}", flush=True)
        measured = [measure(case, arguments, scratch) for case in chosen_cases(arguments, scratch)]
    check = check_limit(measured)
    result = {
        **origin(),
        "bundle": json.loads((arguments.bundle / "bundle.json").read_text())["name"],
        "cold_is": f"container: {FLAGS}" if arguments.container else "process",
        "limit_seconds": LIMIT,
        "checks": [asdict(item) for item in check],
        "start_seconds": start,
        "cases": measured,
    }
    write_result(arguments, result, report(result))
    return 0 if all(item.passed for item in check) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Seconds and memory of a case.")
    parser.add_argument("--bundle", type=Path, required=True, help="for example of paper_bundle.py")
    add_case_options(parser, (64, 130, 256, 456))
    parser.add_argument("--runs", type=int, default=3, help="of everything (default: %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--container", action="store_true", help="cold runs in the container, on its own device"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default: all)"
    )
    add_output_options(parser, "case_time")
    arguments = parser.parse_args()
    arguments.bundle = arguments.bundle.resolve()
    return arguments


def measure(case: Case, arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Cold and warm runs of one case, each with all its values."""
    measured: dict[str, Any] = {"ct": case.name, "voxels_xyz": case.voxels}
    if "cold" in arguments.parts:
        runs = []
        for number in range(arguments.runs):
            runs.append(cold_run(case, arguments, open_folder(scratch / f"{case.folder.name}_out_{number}")))
            seconds, peak = runs[-1]["seconds"], runs[-1]["peak_mib"]
            memory = "memory not seen" if peak is None else f"peak memory {peak:.0f} MiB"
            print(f"{case.name} cold: {seconds:.1f} s of {LIMIT} s allowed, {memory}", flush=True)
        measured["cold"] = {
            **{key: runs[-1][key] for key in ("device", "warnings")},
            **{key: [run[key] for run in runs] for key in ("seconds", "peak_mib", "stages")},
        }
    if "warm" in arguments.parts:
        run = run_python(
            *(ROOT / "benchmarks" / "warm_case.py", "--bundle", arguments.bundle, "--ct", case.ct),
            *("--runs", str(arguments.runs), "--device", arguments.device),
        )
        measured["warm"] = {**run.answer, "peak_mib": [run.peak_mib]}
        print(f"{case.name} warm: {spread(run.answer['seconds'])} s, peak {run.peak_mib:.0f} MiB", flush=True)
    return measured


def cold_run(case: Case, arguments: argparse.Namespace, output: Path) -> dict[str, Any]:
    """One case from the start of a process or container to its exit. Raises SystemExit when it fails."""
    seconds: float
    peak: float | None
    if arguments.container:
        run = measure_sandboxed(case.folder, output, "--volume", f"{arguments.bundle}:/opt/ml/model:ro")
        if run.result.returncode != 0:
            sys.exit(f"{case.name}: {run.result.stderr}")
        seconds, peak = run.seconds, run.peak_mib
    else:
        options = ("--input", case.folder, "--output", output, "--model", arguments.bundle)
        process = run_python(ROOT / "process.py", *options, "--device", arguments.device)
        seconds, peak = process.seconds, process.peak_mib
    results = json.loads((output / "results.json").read_text())
    return {
        "seconds": seconds,
        "peak_mib": peak,
        "stages": results["seconds"],
        "device": results["device"],
        "warnings": [warning["code"] for warning in results["warnings"]],
    }


def check_limit(cases: Sequence[Mapping[str, Any]]) -> list[Check]:
    """The slowest cold run against the challenge's limit; nothing to check without cold runs."""
    seconds = [value for case in cases if "cold" in case for value in case["cold"]["seconds"]]
    criterion = f"slowest cold run <= {LIMIT} s"
    return [Check(criterion, max(seconds), max(seconds) <= LIMIT)] if seconds else []


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    measured = [
        (case, kind, case[kind]) for case in result["cases"] for kind in ("cold", "warm") if kind in case
    ]
    lines = [
        "# Time and memory of a case",
        "",
        f"Bundle `{result['bundle']}`. Cold is a fresh {result['cold_is'].partition(':')[0]} from start to "
        "exit, reading the CT and writing the mask included; warm is a case in a process that has loaded the "
        "bundle. Medians, with all runs in brackets. Peak is the largest resident memory of the process, the "
        "libraries and weights that it mapped included, the kernel's file cache not.",
        "",
    ]
    if result["checks"]:
        lines += [*check_table([Check(**item) for item in result["checks"]]), ""]
    if measured:
        rows = [(case["ct"], kind, *figures(case, runs)) for case, kind, runs in measured]
        lines += [*markdown_table(("CT", "", "seconds", "ms a slice", "peak MiB", "GPU MiB"), rows), ""]
        names = list(dict.fromkeys(name for _, _, runs in measured for name in stage_medians(runs)))
        rows = [
            (case["ct"], kind, *(number(stage_medians(runs).get(name), 2) for name in names))
            for case, kind, runs in measured
        ]
        lines += ["Seconds by stage, medians:", "", *markdown_table(("CT", "", *names), rows), ""]
    if result["start_seconds"]:
        start = [(what, spread(values)) for what, values in result["start_seconds"].items()]
        lines += ["A process without a case, start to exit:", "", *markdown_table(("", "seconds"), start), ""]
    devices = sorted({runs["device"] for _, _, runs in measured})
    return [*lines, origin_line(result, ", ".join(devices) or "-")]


def figures(case: Mapping[str, Any], runs: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Cells of one line: seconds, milliseconds a slice, peak memory, GPU memory."""
    peaks = [peak for peak in runs["peak_mib"] if peak is not None]
    per_slice = 1000 * median(runs["seconds"]) / case["voxels_xyz"][2]
    memory = number(max(peaks, default=None), 0)
    return spread(runs["seconds"]), f"{per_slice:.0f}", memory, number(runs.get("gpu_peak_mib"), 0)


def stage_medians(runs: Mapping[str, Any]) -> dict[str, float]:
    """Median seconds of each stage."""
    return {name: median(stages[name] for stages in runs["stages"]) for name in runs["stages"][0]}


if __name__ == "__main__":
    sys.exit(main())
