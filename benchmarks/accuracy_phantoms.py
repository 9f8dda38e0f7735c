"""How well a bundle segments generated patients that it was not trained on.

    python benchmarks/accuracy_phantoms.py

writes ``results/accuracy_phantoms.json`` and ``.md``; exits with 1 when a threshold is missed. The
CTs are made by ``hnseg_train.phantom``: the numbers say that the road from training to mask works,
not how the weights do on real patients.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from record import Check, add_output_options, check_table, origin, origin_line, write_result

from hnseg_infer.loaded_bundle import load
from hnseg_infer.organ_names import STRUCTSEG_NAMES
from hnseg_infer.pipeline import segment
from hnseg_infer.report import Prediction
from hnseg_train.evaluation.cohort import OrganSummary, Overall, Spread, summarise, summarise_organs
from hnseg_train.evaluation.metrics import DSC, HD95, NSD, OrganScore, score_case
from hnseg_train.evaluation.table import DEFINITIONS, mean_sd, number
from hnseg_train.phantom import generate

DATA = (
    "Generated CTs (hnseg_train.phantom), not patients: these numbers show that training, bundle and "
    "inference fit together. They say nothing about accuracy on real anatomy."
)


def main() -> int:
    """Generate, segment, score, write; returns 1 when a threshold is missed."""
    parser = argparse.ArgumentParser(description="Accuracy of a bundle on generated patients.")
    parser.add_argument("--cases", type=int, default=10, help="number of patients (default: 10)")
    parser.add_argument("--seed", type=int, default=9000, help="seed of the generator, not one of training's")
    parser.add_argument("--bundle", type=Path, help="bundle folder (default: the one shipped)")
    add_output_options(parser, "accuracy_phantoms")
    arguments = parser.parse_args()
    loaded = load(arguments.bundle)
    scores: list[list[OrganScore]] = []
    cases: list[dict[str, Any]] = []
    for case in range(1, arguments.cases + 1):
        phantom = generate(arguments.seed, case)
        start = time.perf_counter()
        prediction = segment(phantom.ct, bundle=loaded)
        seconds = time.perf_counter() - start
        scores.append(score_case(prediction.labels, phantom.labels, STRUCTSEG_NAMES))
        cases.append(describe_case(case, prediction, scores[-1], seconds))
        print(f"case {case}: mean DSC {number(cases[-1]['mean_dsc'], 3)}, {seconds:.0f} s", flush=True)
    organs = summarise_organs(scores)
    checks = check(organs, summarise(organs))
    result = {
        "data": f"{DATA} Generator seed {arguments.seed}, cases 1 to {arguments.cases}.",
        **origin(),
        "bundle": {"name": loaded.bundle.name, "trained_on": loaded.bundle.trained_on},
        "device": loaded.device,
        "definitions": list(DEFINITIONS),
        "checks": [asdict(item) for item in checks],
        "overall": asdict(summarise(organs)),
        "organs": [{**asdict(organ), "provider": loaded.bundle.provider.get(organ.id)} for organ in organs],
        "cases": cases,
    }
    write_result(arguments, result, report(result, organs, checks, loaded.bundle.provider))
    return 0 if all(item.passed for item in checks) else 1


def describe_case(
    case: int, prediction: Prediction, scores: Sequence[OrganScore], seconds: float
) -> dict[str, Any]:
    """One case for the JSON file: grid, time from CT to labels, warning codes, scores by organ."""
    overall = summarise(summarise_organs([scores]))
    grid = prediction.labels.geometry
    return {
        "case": case,
        "voxels_xyz": list(reversed(grid.shape)),
        "spacing_xyz_mm": [round(step, 4) for step in grid.spacing],
        "seconds": round(seconds, 1),
        "warnings": [warning.code for warning in prediction.warnings],
        "mean_dsc": overall.dsc,
        "mean_hd95_mm": overall.hd95_mm,
        "missed": overall.missed,
        "organs": {
            score.name: {metric.key: metric.of(score) for metric in (DSC, HD95, NSD)} for score in scores
        },
    }


def check(organs: Sequence[OrganSummary], overall: Overall) -> list[Check]:
    """The thresholds for the demonstration weights; means are over organs, of means over cases."""
    worst = min((organ.dsc.mean for organ in organs if organ.dsc), default=None)
    return [
        Check("mean DSC over organs >= 0.85", overall.dsc, (overall.dsc or 0.0) >= 0.85),
        Check("lowest mean DSC of an organ >= 0.55", worst, (worst or 0.0) >= 0.55),
        Check(
            "mean HD95 over organs <= 5 mm",
            overall.hd95_mm,
            overall.hd95_mm is not None and overall.hd95_mm <= 5.0,
        ),
        Check("organs missed, all cases together: 0", overall.missed, overall.missed == 0),
    ]


def report(
    result: Mapping[str, Any],
    organs: Sequence[OrganSummary],
    checks: Sequence[Check],
    provider: Mapping[int, str],
) -> list[str]:
    """The result as lines of a Markdown page."""
    overall = result["overall"]
    lines = [
        "# Accuracy on generated patients",
        "",
        result["data"],
        "",
        f"Bundle `{result['bundle']['name']}`, trained on: {result['bundle']['trained_on']}",
        "",
        *check_table(checks),
        "",
        "| organ | model | DSC | worst | HD95 mm | worst | NSD 1 mm | worst | missed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for organ in organs:
        spreads = " | ".join(_spread(organ.spread(metric), metric.digits) for metric in (DSC, HD95, NSD))
        lines.append(f"| {organ.name} | {provider.get(organ.id, '-')} | {spreads} | {organ.missed} |")
    means, weighted = (
        " | | ".join(number(overall[prefix + metric.key], metric.digits) for metric in (DSC, HD95, NSD))
        for prefix in ("", "weighted_")
    )
    lines += [
        f"| **mean over organs** | | {means} | | {overall['missed']} |",
        f"| **StructSeg-weighted mean** | | {weighted} | | |",
        "",
        f"Per organ the mean +- sample SD over cases (here {len(result['cases'])}) and the worst case.",
        "",
        *(f"- {definition}" for definition in result["definitions"]),
        "",
        origin_line(result, result["device"]),
    ]
    return lines


def _spread(spread: Spread | None, digits: int) -> str:
    """Two cells: mean +- SD, worst."""
    return f"{mean_sd(spread, digits)} | {number(spread.worst if spread else None, digits)}"


if __name__ == "__main__":
    raise SystemExit(main())
