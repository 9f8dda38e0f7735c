"""How well a bundle outlines six organs on real CTs that it was not trained on.

    hnseg openkbp OPENKBP --out TRAIN --test TEST
    python benchmarks/accuracy_openkbp.py TEST --pictures DIR

writes ``results/accuracy_openkbp.json`` and ``.md``, and into DIR the worst three cases of each organ; exits
with 1 when a threshold is missed. TEST holds the patients that ``hnseg openkbp`` kept aside.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from contour_extent import Extent, by_organ, extents
from record import Check, add_output_options, check_table, origin, origin_line, write_result
from sides import swapped

from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.loaded_bundle import load
from hnseg_infer.organs import side_of
from hnseg_infer.pipeline import segment
from hnseg_train.cases import find_cases
from hnseg_train.evaluation.cases import MaskPair
from hnseg_train.evaluation.cohort import OrganSummary, Overall, summarise, summarise_organs
from hnseg_train.evaluation.metrics import DSC, HD95, NSD, OrganScore, score_case
from hnseg_train.evaluation.table import DEFINITIONS, markdown_table, mean_sd, number
from hnseg_train.evaluation.worst_pictures import draw_worst

LEAST_DSC = {"brain_stem": 0.80, "spinal_cord": 0.78, "parotid": 0.75, "mandible": 0.80}
"""By name without the side."""


def main() -> int:
    """Segment, score, write; returns 1 when a threshold is missed."""
    parser = argparse.ArgumentParser(description="Accuracy of a bundle on OpenKBP's CTs.")
    parser.add_argument("test", type=Path, metavar="TEST", help="cases that the bundle was not trained on")
    parser.add_argument("--bundle", type=Path, default=Path("openkbp6"), help="(default: %(default)s)")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="gets the worst cases")
    add_output_options(parser, "accuracy_openkbp")
    arguments = parser.parse_args()
    loaded = load(arguments.bundle)
    names = {organ.id: organ.name for organ in loaded.bundle.organs}
    scores: dict[str, list[OrganScore]] = {}
    swaps: list[str] = []
    ends: list[list[Extent]] = []
    trained_on: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        pairs = []
        for case in find_cases(arguments.test):
            prediction = segment(read_ct(case.ct), bundle=loaded, source=case.name)
            found = prediction.labels
            trained_on.add(prediction.trained_on)
            mask = Path(folder) / f"{case.name}.nii.gz"
            write(found, mask)
            contoured = read_labels(case.label)
            scores[case.name] = score_case(found, contoured, names)
            ends.append(extents(found, contoured, names))
            swaps += [f"{case.name} {pair}" for pair in swapped(found, names)]
            pairs.append(MaskPair(case.name, mask, case.label, case.ct))
        if arguments.pictures:
            arguments.pictures.mkdir(parents=True, exist_ok=True)
            for name, picture in draw_worst(pairs, scores).items():
                picture.save(arguments.pictures / name)
    organs = summarise_organs(scores.values())
    checks = check(organs, swaps)
    result = {
        **origin(),
        "bundle": {"name": loaded.bundle.name, "trained_on": "; ".join(sorted(trained_on))},
        "device": loaded.device,
        "cases": sorted(scores),
        "swapped": swaps,
        "checks": [asdict(item) for item in checks],
        "organs": [asdict(organ) for organ in organs],
        "volumes": volumes(scores),
        "extents": by_organ(ends),
        "scores": {case: [asdict(score) for score in organs_of] for case, organs_of in scores.items()},
    }
    write_result(arguments, result, report(result, organs, summarise(organs), checks))
    return 0 if all(item.passed for item in checks) else 1


def check(organs: Sequence[OrganSummary], swaps: Sequence[str]) -> list[Check]:
    """The thresholds on the means over the cases in which an organ was contoured; a missed one counts 0."""
    checks = []
    for organ in organs:
        least = LEAST_DSC.get(side_of(organ.name)[0])
        if least is not None:
            mean = organ.dsc.mean if organ.dsc else None
            checks.append(Check(f"{organ.name}: mean DSC >= {least:.2f}", mean, (mean or 0.0) >= least))
    return [*checks, Check("left and right swapped: 0", len(swaps), not swaps)]


def volumes(scores: Mapping[str, Sequence[OrganScore]]) -> dict[str, dict[str, list[float]]]:
    """Smallest, median and largest contoured volume (cm3), and predicted by contoured ones, by organ."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for of_case in scores.values():
        for score in of_case:
            if score.reference_cm3 > 0:
                pairs.setdefault(score.name, []).append((score.predicted_cm3, score.reference_cm3))
    return {
        name: {
            "reference_cm3": _range([contoured for _, contoured in found]),
            "ratio": _range([predicted / contoured for predicted, contoured in found]),
        }
        for name, found in pairs.items()
    }


def _range(values: Sequence[float]) -> list[float]:
    return [min(values), median(values), max(values)]


def report(
    result: Mapping[str, Any], organs: Sequence[OrganSummary], overall: Overall, checks: Sequence[Check]
) -> list[str]:
    """The result as lines of a Markdown page."""
    contoured = [organ for organ in organs if organ.dsc]
    rows = [
        (
            organ.name,
            str(organ.dsc.count if organ.dsc else 0),
            *(mean_sd(organ.spread(metric), metric.digits) for metric in (DSC, HD95, NSD)),
            number(organ.dsc.worst if organ.dsc else None, 3),
            str(organ.missed),
        )
        for organ in contoured
    ]
    sizes = [
        [
            organ.name,
            *(number(value, 1) for value in result["volumes"][organ.name]["reference_cm3"]),
            *(number(value, 2) for value in result["volumes"][organ.name]["ratio"]),
        ]
        for organ in contoured
    ]
    ends = [
        [
            name,
            number(of["dsc"], 3),
            *(number(value, 0) for end in ("below_mm", "above_mm") for value in of[end]),
        ]
        for name, of in result["extents"].items()
    ]
    return [
        "# Accuracy on real CTs at low resolution",
        "",
        f"{len(result['cases'])} OpenKBP patients that were kept aside, about 4 x 4 x 2.5 mm; contours are "
        "clinical ones, and not every organ was contoured in every patient. Not for clinical use.",
        "",
        f"Bundle `{result['bundle']['name']}`, trained on: {result['bundle']['trained_on']}",
        "",
        *check_table(checks),
        "",
        *markdown_table(("organ", "cases", "DSC", "HD95 mm", "NSD 1 mm", "worst DSC", "missed"), rows),
        "",
        f"Mean over organs: DSC {number(overall.dsc, 3)}, HD95 {number(overall.hd95_mm, 2)} mm, NSD "
        f"{number(overall.nsd_1mm, 3)} (a voxel is wider than its 1 mm).",
        "",
        "How differently the same organ was contoured, and what was predicted, by volume:",
        "",
        *markdown_table(
            ("organ", "cm3, least", "median", "most", "predicted / contoured, least", "median", "most"), sizes
        ),
        "",
        "How far up and down it was contoured: DSC were the lowest and the highest contoured slice known, "
        "and by how many mm the prediction reaches below the one and above the other (5th, 50th and 95th "
        "percentile of the cases in which it was found):",
        "",
        *markdown_table(
            ("organ", "DSC in these slices", "below, 5 %", "50 %", "95 %", "above, 5 %", "50 %", "95 %"), ends
        ),
        "",
        *(f"- {definition}" for definition in DEFINITIONS),
        "",
        f"Cases: {', '.join(result['cases'])}.",
        "",
        origin_line(result, result["device"]),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
