"""The same networks over the same CT by nnU-Net v2's own predictor and by HNSeg, in turns.

    python benchmarks/paper_bundle.py BUNDLE
    python benchmarks/against_nnunet.py --bundle BUNDLE [--slices 130] [--runs 3]

Compared are network, sliding window and arg-max: both sides get the same windows of one CT and normalise
them alike. Every run is a process of its own. nnU-Net runs as it is shipped, in single precision on a CPU and
by autocast on a GPU, with sums in half precision; its labels for the second table of agreement come from sums
in single precision. Writes ``results/against_nnunet.json`` and ``.md``; exits with 1 when a threshold is
missed.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from agreement import Agreement, agreement_lines, compare, lowest
from child import ROOT, run_python
from record import Check, add_output_options, check_table, origin, origin_line, spread, write_result
from timing_ct import add_case_options, chosen_cases

from hnseg_infer.bundle import load_bundle
from hnseg_infer.installed import DEFAULT_FOLDER
from hnseg_train.evaluation.table import markdown_table, number

LEAST_RATIO = 6.0
"""Times that HNSeg has to be faster."""

LEAST_AGREEMENT = 0.995
"""Share of every organ's voxels that must be labelled as in single precision, by trained networks."""


def main() -> int:
    """Measure both sides, compare their labels, write the result; returns 1 when a threshold is missed."""
    parser = argparse.ArgumentParser(description="HNSeg against nnU-Net's own predictor.")
    parser.add_argument(
        "--bundle", type=Path, required=True, help="what is timed; for example of paper_bundle.py"
    )
    parser.add_argument(
        "--agreement-bundle", type=Path, default=DEFAULT_FOLDER, help="default: the one shipped"
    )
    add_case_options(parser, (130,), several=False)
    parser.add_argument("--runs", type=int, default=3, help="of each side (default: %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_output_options(parser, "against_nnunet")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (case,) = chosen_cases(arguments, Path(folder))
        common = ("--ct", case.ct, "--device", arguments.device)
        timed = BundleRuns(Path(folder) / "timed", arguments.bundle, common)
        trained = BundleRuns(Path(folder) / "trained", arguments.agreement_bundle, common)
        runs: dict[str, list[dict[str, Any]]] = {"hnseg": [], "nnunet": []}
        for _ in range(arguments.runs):
            runs["hnseg"].append(timed.hnseg())
            runs["nnunet"].append(timed.nnunet("half"))
        agreements = [timed.agreement("half"), trained.agreement("single")]
    ratio = median(map(total, runs["nnunet"])) / median(map(total, runs["hnseg"]))
    checks = check(ratio, agreements[-1])
    result = {
        **origin(),
        "nnunetv2": version("nnunetv2"),
        "ct": case.name,
        "ratio": ratio,
        "checks": [asdict(item) for item in checks],
        "runs": runs,
        "agreements": [asdict(item) for item in agreements],
    }
    write_result(arguments, result, report(result, agreements))
    return 0 if all(item.passed for item in checks) else 1


class BundleRuns:
    """One bundle over one CT by both sides, and the labels of each run in a scratch folder."""

    def __init__(self, folder: Path, bundle: Path, common: Sequence[str | Path]) -> None:
        folder.mkdir()
        self._folder, self._bundle, self._common = folder, bundle.resolve(), common

    def hnseg(self, precision: str = "auto") -> dict[str, Any]:
        """One run of ours: device, load_seconds, seconds by model, peak_mib."""
        return self._run("hnseg", precision, "--precision", precision)

    def nnunet(self, sums: str) -> dict[str, Any]:
        """One run of nnU-Net's after one of ours; sums: ``half`` as shipped, or ``single``."""
        return self._run("nnunet", sums, "--sums", sums, "--windows-of", self._labels("hnseg", "auto"))

    def agreement(self, sums: str) -> Agreement:
        """Our labels against nnU-Net's and against our own in single precision; runs what has not run yet."""
        for side, kind in (("hnseg", "auto"), ("hnseg", "f32"), ("nnunet", sums)):
            if not self._labels(side, kind).exists():
                getattr(self, side)(kind)
        bundle = load_bundle(self._bundle)
        ours = _read(self._labels("hnseg", "auto"))
        return Agreement(
            bundle=bundle.name,
            trained_on=bundle.trained_on,
            nnunet_sums=sums,
            nnunet=compare(_read(self._labels("nnunet", sums)), ours, bundle),
            f32=compare(_read(self._labels("hnseg", "f32")), ours, bundle),
        )

    def _run(self, side: str, kind: str, *options: str | Path) -> dict[str, Any]:
        print(f"{side} {kind}, {self._bundle.name}: ", end="", flush=True)
        script = ROOT / "benchmarks" / "network_case.py"
        labels = self._labels(side, kind)
        run = run_python(script, side, "--bundle", self._bundle, "--labels", labels, *self._common, *options)
        result = {**run.answer, "peak_mib": run.peak_mib}
        print(f"{total(result):.1f} s, peak {run.peak_mib:.0f} MiB", flush=True)
        return result

    def _labels(self, side: str, kind: str) -> Path:
        return self._folder / f"{side}_{kind}.npz"


def _read(file: Path) -> Mapping[str, Any]:
    with np.load(file) as labels:
        return {name: labels[name] for name in labels.files}


def total(run: Mapping[str, Any]) -> float:
    """Seconds of all models of a run."""
    return float(sum(run["seconds"].values()))


def check(ratio: float, trained: Agreement) -> list[Check]:
    """The thresholds; that of agreement is for trained networks."""
    worst = lowest(trained.f32)
    return [
        Check(f"times faster than nnU-Net's predictor >= {LEAST_RATIO:g}", ratio, ratio >= LEAST_RATIO),
        Check(
            f"lowest share of an organ as in single precision, {trained.bundle} >= {LEAST_AGREEMENT}",
            worst,
            worst is not None and worst >= LEAST_AGREEMENT,
        ),
    ]


def report(result: Mapping[str, Any], agreements: Sequence[Agreement]) -> list[str]:
    """The result as lines of a Markdown page."""
    titles = {"hnseg": "HNSeg", "nnunet": f"nnU-Net {result['nnunetv2']}"}
    models = list(result["runs"]["hnseg"][0]["seconds"])
    rows = [
        (
            titles[side],
            runs[0]["device"],
            spread([total(run) for run in runs]),
            *(number(median(run["seconds"][model] for run in runs), 2) for model in models),
            number(median(run["load_seconds"] for run in runs), 2),
            number(max(run["peak_mib"] for run in runs), 0),
            number(runs[-1]["gpu_peak_mib"], 0),
        )
        for side, runs in result["runs"].items()
    ]
    return [
        "# HNSeg against nnU-Net's own predictor",
        "",
        f"Networks, sliding window and arg-max over one CT ({result['ct']}): the same windows, the "
        "same normalisation, no mirroring, tiles half apart. Every run is a process of its own, the two "
        "sides in turns; medians, with all runs in brackets. Loading includes the imports and is not part of "
        "the seconds; on a GPU the second of two passes counts. nnU-Net ran as it is shipped: its sums are "
        "in half precision.",
        "",
        *check_table([Check(**item) for item in result["checks"]]),
        "",
        *markdown_table(("", "device", "seconds", *models, "loading", "peak MiB", "GPU MiB"), rows),
        "",
        *(line for agreement in agreements for line in agreement_lines(agreement)),
        origin_line(result, result["runs"]["hnseg"][0]["device"]),
    ]


if __name__ == "__main__":
    sys.exit(main())
