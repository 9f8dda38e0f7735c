"""Whether the networks could run in int8: what NNCF's post-training quantisation gains and costs.

    pip install --target FOLDER --no-deps nncf==3.4.0 ninja psutil pydot tabulate
    python benchmarks/paper_bundle.py PAPER
    PYTHONPATH=FOLDER python benchmarks/int8_trial.py --paper PAPER [--ct CT ...]

Ranges come from generated patients of another seed than the patients that are labelled. Writes
``results/int8_trial.json`` and ``.md``; exits with 1 when no setting keeps every organ close enough.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from agreement import Labels, OrganAgreement, joint_counts, labels_by_model, overall, pooled
from int8_networks import (
    NNCF,
    SETTINGS,
    Int8Network,
    activation_ranges,
    calibration_tiles,
    import_nncf,
    labeller,
    quantise,
    size_bytes,
)
from int8_report import CALIBRATION_SEED, TEST_SEED, OrganTrial, check, organ_trials, report
from network_case import canonical_ct
from numpy.typing import NDArray
from record import add_output_options, origin, write_result

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.checks import check_ct
from hnseg_infer.engines.openvino_engine import OpenVINONetwork
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.fusion import fuse
from hnseg_infer.installed import DEFAULT_FOLDER
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.volume import Volume, to_canonical
from hnseg_train.phantom import generate

Counts = dict[str, NDArray[np.int64]]


def main() -> int:
    """Quantise, label, time, write; returns 1 when no setting passes."""
    arguments = _arguments()
    import_nncf()
    bundle = load_bundle(arguments.bundle)
    tiles = _tiles(bundle, arguments.calibration_patients, arguments.tiles)
    runs = {precision: load(bundle, "cpu", precision) for precision in ("f32", "bf16")}
    facts: dict[str, dict[str, Any]] = {}
    for setting in arguments.settings:
        runs[setting], facts[setting] = _quantised(bundle, tiles, setting)
        print(f"{setting}: {facts[setting]}", flush=True)
    organs = _patients(bundle, runs, arguments.patients)
    cts = {path.name: _ct_agreement(bundle, runs, canonical_ct(path)) for path in arguments.ct}
    checks = [check(setting, organs[setting]) for setting in arguments.settings]
    result = {
        **origin(),
        "nncf": NNCF,
        "bundle": bundle.name,
        "trained_on": bundle.trained_on,
        "device": runs["bf16"].device,
        "patients": arguments.patients,
        "calibration_tiles": {model: len(found) for model, found in tiles.items()},
        "checks": [asdict(item) for item in checks],
        "settings": facts,
        "organs": {run: [asdict(organ) for organ in trials] for run, trials in organs.items()},
        "cts": cts,
        "seconds": _speed(arguments.paper, tiles, arguments.settings, arguments.runs),
    }
    write_result(arguments, result, report(result, organs, checks))
    return 0 if any(item.passed for item in checks) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Post-training quantisation: labels and speed.")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_FOLDER, help="default: the one shipped")
    parser.add_argument("--paper", type=Path, help="what is timed, of paper_bundle.py; default: nothing")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--patients", type=int, default=5, help="to label (default: %(default)s)")
    parser.add_argument("--calibration-patients", type=int, default=8, help="(default: %(default)s)")
    parser.add_argument("--tiles", type=int, default=128, help="of each model at most (default: %(default)s)")
    parser.add_argument("--ct", type=Path, nargs="+", default=[], help="real CTs, compared without reference")
    parser.add_argument("--runs", type=int, default=5, help="of every timing (default: %(default)s)")
    add_output_options(parser, "int8_trial")
    return parser.parse_args()


def _tiles(bundle: Bundle, patients: int, most: int) -> dict[str, list[NDArray[np.float32]]]:
    tiles: dict[str, list[NDArray[np.float32]]] = {model.name: [] for model in bundle.models}
    for case in range(1, patients + 1):
        ct, reference = _patient(CALIBRATION_SEED, case)
        for model in bundle.models:
            tiles[model.name] += calibration_tiles(model, ct, reference, -(-most // patients))
    return tiles


def _patient(seed: int, case: int) -> tuple[Volume, NDArray[np.uint8]]:
    phantom = generate(seed, case)
    return check_ct(to_canonical(phantom.ct), f"patient {case}")[0], to_canonical(phantom.labels).array


def _quantised(
    bundle: Bundle, tiles: Mapping[str, Sequence[NDArray[np.float32]]], setting: str
) -> tuple[LoadedBundle, dict[str, Any]]:
    """The bundle in int8; by model the seconds of calibration, the ranges and the bytes of the graph."""
    labellers, facts = {}, {}
    for model in bundle.models:
        start = time.perf_counter()
        graph = quantise(model.network, tiles[model.name], setting)
        facts[model.name] = {
            "seconds": time.perf_counter() - start,
            "ranges": activation_ranges(graph),
            "bytes": size_bytes(graph),
        }
        labellers[model.name] = labeller(model.network, graph)
    device = f"cpu (openvino int8, {setting})"
    return replace(load(bundle, "cpu"), device=device, labellers=labellers), facts


def _patients(bundle: Bundle, runs: Mapping[str, LoadedBundle], patients: int) -> dict[str, list[OrganTrial]]:
    scores: dict[str, list[Sequence[OrganAgreement]]] = {run: [] for run in runs}
    counts: dict[str, Counts] = {run: {} for run in runs}
    for case in range(1, patients + 1):
        ct, reference = _patient(TEST_SEED, case)
        labels = {run: labels_by_model(ct, loaded) for run, loaded in runs.items()}
        for run in runs:
            joint = joint_counts(reference, fuse(labels[run], bundle.provider))
            scores[run].append(pooled({model.name: joint for model in bundle.models}, bundle))
            _add(counts[run], labels["f32"], labels[run])
        print(f"patient {case} done", flush=True)
    return {run: organ_trials(scores["f32"], scores[run], pooled(counts[run], bundle)) for run in runs}


def _add(counts: Counts, single: Labels, other: Labels) -> None:
    for model, labels in single.items():
        counts[model] = counts.get(model, 0) + joint_counts(labels, other[model])


def _ct_agreement(bundle: Bundle, runs: Mapping[str, LoadedBundle], ct: Volume) -> dict[str, Any]:
    """Per run, of each organ and all together, the share of its voxels in single precision labelled alike."""
    labels = {run: labels_by_model(ct, loaded) for run, loaded in runs.items()}
    shares = {}
    for run in runs:
        counts: Counts = {}
        _add(counts, labels["f32"], labels[run])
        organs = pooled(counts, bundle)
        shares[run] = {"all": overall(organs), **{organ.name: organ.same for organ in organs}}
    return shares


def _speed(
    paper: Path | None,
    tiles: Mapping[str, Sequence[NDArray[np.float32]]],
    settings: Sequence[str],
    runs: int,
) -> dict[str, dict[str, list[float]]]:
    """By model and run the seconds of one tile, all runs in turns; without the small box."""
    seconds: dict[str, dict[str, list[float]]] = {}
    for model in load_bundle(paper).models if paper else ():
        if model.roi is not None:
            continue
        # weights are random: the ranges do not matter, nor does how many tiles they come from
        few = tiles[model.name][:2]
        networks = {"bf16": OpenVINONetwork(openvino.Core(), model.network, "bf16")}
        for setting in settings:
            networks[setting] = Int8Network(model.network, quantise(model.network, few, setting))
        overlapping = model.crop == "head_window"
        times: dict[str, list[float]] = {run: [] for run in networks}
        for turn in range(runs + 1):
            for run, network in networks.items():
                start = time.perf_counter()
                network.weighted_logits(few[0]) if overlapping else network.labels(few[0])
                # the first turn compiles
                if turn:
                    times[run].append(time.perf_counter() - start)
        seconds[model.name] = times
        print(f"{model.name}: {times}", flush=True)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
