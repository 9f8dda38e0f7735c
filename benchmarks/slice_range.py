"""Do ``organ_slices`` and ``tissue_box`` ever leave out an organ, and how many slices does it spare?

    HNSEG_SHARED=../shared python benchmarks/slice_range.py

writes ``results/slice_range.json`` and ``.md``; exits with 1 when a labelled voxel lies outside either.
Generated patients are always looked at, real ones where ``HNSEG_SHARED`` holds them.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from labelled_cts import LabelledCT, extended, generated, openkbp, painted, planning_cts
from range_case import Case, examine, summary
from record import Check, add_output_options, check_table, origin, origin_line, write_result

from hnseg_infer.preprocessing import MARGIN_MM, body_mask
from hnseg_infer.slice_range import ABOVE_MM, BELOW_BRAIN_MM, organ_slices
from hnseg_train.evaluation.table import markdown_table, number

LONG_MM = (1000.0, 1368.0)
"""Of the CTs made longer: a trunk, and 456 slices of 3 mm."""

PAINTED = "painted from contours"
"""Organs in the air: without a body around them they are no measure of the tissue's box."""

TIMED_SLICES = (130, 456)
REPEATS = 5


def main() -> int:
    """Look at every CT, time, write; returns 1 when a labelled voxel is outside or a long CT is not cut."""
    parser = argparse.ArgumentParser(description="Range of slices with organs, against contours.")
    parser.add_argument("--cases", type=int, default=10, help="generated patients (default: 10)")
    parser.add_argument("--seed", type=int, default=9000, help="seed of the generator (default: 9000)")
    add_output_options(parser, "slice_range")
    arguments = parser.parse_args()
    shared = os.environ.get("HNSEG_SHARED")
    sets = data_sets(arguments.seed, arguments.cases, Path(shared) / "data" if shared else None)
    groups = {name: [examine(ct) for ct in cts] for name, cts in sets.items()}
    result = origin() | {
        "rule": {"above_tissue_mm": ABOVE_MM, "below_brain_mm": BELOW_BRAIN_MM},
        "seed": arguments.seed,
        "summary": {name: summary(cases) for name, cases in groups.items()},
        "seconds": timings(next(iter(generated(arguments.seed, 1)))),
        "cases": {name: [asdict(case) for case in cases] for name, cases in groups.items()},
    }
    checks = check(groups)
    result["checks"] = [asdict(item) for item in checks]
    write_result(arguments, result, page(result, checks))
    return 0 if all(item.passed for item in checks) else 1


def data_sets(seed: int, cases: int, data: Path | None) -> dict[str, Iterable[LabelledCT]]:
    """By name, what there is to look at; ``data`` is the folder of real CTs, if there is one."""
    sets = {"generated": generated(seed, cases)}
    sources = [generated(seed, 2)]
    if data:
        sets |= {
            "planning CTs": planning_cts(data),
            "OpenKBP": openkbp(data),
            PAINTED: painted(data),
        }
        sources.append(planning_cts(data))
    sets["made longer"] = (
        extended(ct, round(length / ct.spacing[0])) for cts in sources for ct in cts for length in LONG_MM
    )
    return sets


def timings(patient: LabelledCT) -> dict[str, dict[str, float]]:
    """Median seconds of the range, and of the body mask for comparison, by number of slices."""
    ct = extended(patient, max(TIMED_SLICES))
    functions: tuple[Callable[..., Any], ...] = (organ_slices, body_mask)
    return {
        str(count): {function.__name__: _seconds(function, ct, count) for function in functions}
        for count in TIMED_SLICES
    }


def _seconds(function: Callable[..., Any], ct: LabelledCT, count: int) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function(ct.hu[-count:], ct.spacing)
        seconds.append(time.perf_counter() - start)
    return round(median(seconds), 4)


def check(groups: Mapping[str, Sequence[Case]]) -> list[Check]:
    """No label outside anywhere; every long CT is cut."""
    outside = sum(case.outside for cases in groups.values() for case in cases)
    beside = sum(case.beside for name, cases in groups.items() if name != PAINTED for case in cases)
    uncut = sum(case.skipped_below == 0 for case in groups["made longer"])
    return [
        Check("labelled voxels outside the range, all cases together: 0", outside, outside == 0),
        Check("labelled voxels beside the tissue's box, all patients together: 0", beside, beside == 0),
        Check("CTs of 1000 mm and more that are not cut below: 0", uncut, uncut == 0),
    ]


def page(result: Mapping[str, Any], checks: Sequence[Check]) -> list[str]:
    """The result as Markdown."""
    rows = [
        (
            name,
            *(str(line[key]) for key in ("cases", "no_head_recognised", "voxels", "outside")),
            "-" if name == PAINTED else str(line["beside"]),
            number(line["least_below_mm"], 0),
            number(line["least_above_mm"], 0),
            number(line["highest_brain_mm"], 0),
            str(line["cut_below"]),
            " / ".join(f"{line[key]:.1%}" for key in ("skipped_least", "skipped_mean", "skipped_most")),
        )
        for name, line in result["summary"].items()
    ]
    head = (
        "data",
        "CTs",
        "no head recognised",
        "labelled voxels",
        "outside",
        "beside the tissue",
        "least mm below",
        "least mm above",
        "brain over stem, most mm",
        "cut below",
        "slices spared: least / mean / most",
    )
    rule = result["rule"]
    timed = "; ".join(
        f"{count} slices of 512 x 512: range {seconds['organ_slices']:.3f} s, "
        f"body mask {seconds['body_mask']:.3f} s"
        for count, seconds in result["seconds"].items()
    )
    return [
        "# Slices that can hold an organ",
        "",
        origin_line(result, "none"),
        "",
        f"Networks see the slices up to {rule['above_tissue_mm']:g} mm above the highest tissue and down to "
        f"{rule['below_brain_mm']:g} mm below the lowest slice in which a brain was recognised "
        "(`hnseg_infer/slice_range.py`); all slices where none was. A model of whole CTs looks within "
        f"{MARGIN_MM:g} mm of the rows and columns with tissue.",
        "",
        *check_table(checks),
        "",
        *markdown_table(head, rows),
        "",
        "Least mm below and above: from the lowest and highest labelled voxel to the ends that the range "
        "would have, were the CT to go on as air. Brain over stem: from the brain stem's lower end up to the "
        "lowest slice in which a brain was recognised.",
        "",
        "Generated: `hnseg_train.phantom`, seed "
        f"{result['seed']}. Planning CTs: two real ones, draft contours of all 22 organs. OpenKBP: real, "
        "low resolution, clinical contours of up to five organs; parts of the image are blanked out. Painted "
        "from contours: clinical contours of real CTs with a brain in a skull painted from them, in air; two "
        "show the whole spinal cord. Made longer: two generated patients and the planning CTs, their "
        "lowest 60 mm repeated to 1000 and 1368 mm, the cord going on to 495 mm below the brain stem.",
        "",
        f"Median of {REPEATS}: {timed}.",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
