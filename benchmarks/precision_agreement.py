"""How far the labels of the device's fastest precision are those of single precision, organ by organ.

    python benchmarks/precision_agreement.py [--bundle DIR] [--patients 8] [--ct CT ...]

The voxels of several generated patients are counted together, because a lens has a hundred of them: in one
patient a single voxel is a percent. CTs given with ``--ct`` get a table of their own. Writes
``results/precision_agreement.json`` and ``.md``; exits with 1 when a threshold is missed.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from agreement import OrganAgreement, joint_counts, labels_by_model, lowest, overall, pooled
from network_case import canonical_ct
from numpy.typing import NDArray
from record import Check, add_output_options, check_table, origin, origin_line, write_result
from timing_ct import SEED

from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.volume import Volume
from hnseg_train.evaluation.table import markdown_table, number
from hnseg_train.phantom import generate

LEAST = 0.995
"""Share of every organ's voxels that must be labelled as in single precision."""

Counts = Mapping[str, NDArray[np.int64]]


def main() -> int:
    """Run both precisions, count, write; returns 1 when a threshold is missed."""
    parser = argparse.ArgumentParser(description="Labels of the fastest precision against single precision.")
    parser.add_argument("--bundle", type=Path, help="a trained one (default: the one shipped)")
    parser.add_argument("--patients", type=int, default=8, help="generated ones (default: %(default)s)")
    parser.add_argument("--ct", type=Path, nargs="+", default=[], help="further CTs, each on its own")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_output_options(parser, "precision_agreement")
    arguments = parser.parse_args()
    fast, single = (load(arguments.bundle, arguments.device, precision) for precision in ("auto", "f32"))
    patients = (generate(SEED, case).ct for case in range(1, arguments.patients + 1))
    tables = {f"{arguments.patients} generated patients": _compared(patients, fast, single)}
    for path in arguments.ct:
        tables[path.name] = _compared([canonical_ct(path)], fast, single)
    worst = lowest(next(iter(tables.values())))
    checks = [
        Check(
            f"lowest share of an organ as in single precision, generated patients >= {LEAST}",
            worst,
            worst is not None and worst >= LEAST,
        )
    ]
    result = {
        **origin(),
        "bundle": fast.bundle.name,
        "trained_on": fast.bundle.trained_on,
        "device": fast.device,
        "checks": [asdict(item) for item in checks],
        "tables": {name: [asdict(organ) for organ in organs] for name, organs in tables.items()},
    }
    write_result(arguments, result, report(result, tables, checks))
    return 0 if all(item.passed for item in checks) else 1


def _compared(cts: Iterable[Volume], fast: LoadedBundle, single: LoadedBundle) -> tuple[OrganAgreement, ...]:
    counts: dict[str, NDArray[np.int64]] = {}
    for number_, ct in enumerate(cts, start=1):
        labels = [labels_by_model(ct, loaded) for loaded in (single, fast)]
        for model, reference in labels[0].items():
            counts[model] = counts.get(model, 0) + joint_counts(reference, labels[1][model])
        print(f"CT {number_} done", flush=True)
    return pooled(counts, fast.bundle)


def report(
    result: Mapping[str, Any], tables: Mapping[str, Sequence[OrganAgreement]], checks: Sequence[Check]
) -> list[str]:
    """The result as lines of a Markdown page."""
    names = list(tables)
    rows = [
        (
            organs[0].name,
            organs[0].model,
            *(cell for organ in organs for cell in (str(organ.voxels), number(organ.same, 4))),
        )
        for organs in zip(*tables.values(), strict=True)
    ]
    together = [cell for organs in tables.values() for cell in ("", number(overall(organs), 4))]
    columns = [f"{what}, {name}" for name in names for what in ("voxels", "same label")]
    return [
        "# Fast labels against single precision",
        "",
        f"Bundle `{result['bundle']}`, trained on: {result['trained_on']}. Same label: the share of an "
        "organ's voxels in single precision, in the labels of the organ's own model, that the device's "
        "fastest precision gives the same label; all patients' voxels counted together.",
        "",
        *check_table(checks),
        "",
        *markdown_table(("organ", "model", *columns), [*rows, ("**all organs**", "", *together)]),
        "",
        origin_line(result, result["device"]),
    ]


if __name__ == "__main__":
    sys.exit(main())
