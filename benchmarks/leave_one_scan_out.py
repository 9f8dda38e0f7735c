"""How well models find organs on real CTs that they were not trained on, source by source of a cohort.

    hnseg train --cohort COHORT/cohort.yaml --work WORK --plan lite --folds 2
    python benchmarks/leave_one_scan_out.py COHORT/cohort.yaml WORK --against BUNDLE

writes ``results/leave_one_scan_out.json`` and ``.md``; exits with 1 when a threshold is missed. With two
cases in the source and two folds, each case was segmented by models that saw the other. Which of them
provides an organ is chosen as for the bundle, and once more without the case that is scored. BUNDLE is
another bundle that saw neither case, run on the same CTs.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from leave_one_scan_out_page import Found, choice_without, report
from record import Check, add_output_options, origin, origin_line, write_result
from sides import swapped

from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.loaded_bundle import load
from hnseg_infer.organs import STRUCTSEG_ORGANS, side_of
from hnseg_infer.pipeline import segment
from hnseg_infer.volume import Volume, to_canonical
from hnseg_train.cases import Case
from hnseg_train.cohort import read_cohort
from hnseg_train.evaluation.metrics import score_case
from hnseg_train.recipes import RECIPES
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.road import Road, Settings
from hnseg_train.stages.tables import choose_providers, fused_labels

NAMES = {organ.id: organ.name for organ in STRUCTSEG_ORGANS}

LEAST_DSC = {
    **dict.fromkeys(("eye", "mandible", "brain_stem", "temporal_lobe", "spinal_cord"), 0.70),
    **dict.fromkeys(("parotid", "tmj"), 0.50),
}
MOST_MM = {
    **dict.fromkeys(("lens", "optic_nerve", "inner_ear", "middle_ear"), 6.0),
    **dict.fromkeys(("optic_chiasm", "pituitary"), 8.0),
}
"""By name without the side: least DSC, and how far the centroid may be off, each as mean over the cases."""

Choice = tuple[dict[str, str], list[str]]
"""Each organ's model, and the organs that lose their strays."""


def main() -> int:
    """Fuse and score the stored predictions of one source; returns 1 when a threshold is missed."""
    parser = argparse.ArgumentParser(description="Unseen scans of one source of a cohort.")
    parser.add_argument("cohort", type=Path, metavar="YAML")
    parser.add_argument("work", type=Path, metavar="WORK", help="the work folder of the training")
    parser.add_argument(
        "--plan", choices=list(RECIPES), default="lite", help="of the training (default: lite)"
    )
    parser.add_argument("--source", default="atlas", help="(default: %(default)s)")
    parser.add_argument("--against", type=Path, metavar="BUNDLE", help="run on the same CTs for comparison")
    add_output_options(parser, "leave_one_scan_out")
    arguments = parser.parse_args()
    work, recipe = arguments.work.resolve(), RECIPES[arguments.plan]
    road = Road(Settings(read_cohort(arguments.cohort), work, recipe, work / "bundle"), Ledger(work))
    cases = [case for case in road.cases.values() if case.source.name == arguments.source]
    if not cases:
        parser.error(f"the cohort has no source {arguments.source}")
    chosen = choose_providers(road, sorted(road.cases))
    shipped = fused(road, cases, {case.name: chosen for case in cases})
    others = {case.name: sorted(road.cases.keys() - {case.name}) for case in cases}
    chosen_without = {name: choose_providers(road, names) for name, names in others.items()}
    without = fused(road, cases, chosen_without)
    before: dict[str, list[Found]] = {}
    other, device = None, "stored predictions"
    if arguments.against:
        loaded = load(arguments.against)
        other, device = loaded.bundle.trained_on, loaded.device
        for case in cases:
            labels = segment(read_ct(case.ct), bundle=loaded, source=case.name).labels
            before[case.name] = organs_found(labels, case)
    checks = check(*shipped)
    result = {
        **origin(),
        "against": other,
        "swapped": shipped.swaps,
        "provider": chosen[0],
        "provider_chosen_without": {name: provider for name, (provider, _) in chosen_without.items()},
        "checks": [asdict(item) for item in checks],
        "organs": by_case(shipped.organs),
        "organs_chosen_without": by_case(without.organs),
        "checks_chosen_without": [asdict(item) for item in check(*without)],
        "organs_against": by_case(before),
    }
    lines = report(result, shipped.organs, before, checks)
    lines += choice_without(result, shipped.organs, without.organs)
    write_result(arguments, result, [*lines, origin_line(result, device)])
    return 0 if all(item.passed for item in checks) else 1


class Fused(NamedTuple):
    """Organs found by case, and every pair of them that lies on the wrong sides."""

    organs: dict[str, list[Found]]
    swaps: list[str]


def fused(road: Road, cases: Sequence[Case], chosen: Mapping[str, Choice]) -> Fused:
    """Each case's stored predictions, fused by the choice that was made for it, and scored."""
    organs, swaps = {}, []
    for case in cases:
        labels = fused_labels(road, case.name, *chosen[case.name])
        organs[case.name] = organs_found(labels, case)
        swaps += [f"{case.name} {pair}" for pair in swapped(labels, NAMES)]
    return Fused(organs, swaps)


def by_case(found: Mapping[str, Sequence[Found]]) -> dict[str, list[dict[str, Any]]]:
    """As JSON holds it."""
    return {name: [asdict(organ) for organ in organs] for name, organs in found.items()}


def organs_found(labels: Volume, case: Case) -> list[Found]:
    """Every organ that the case's reference holds, by label value."""
    reference = read_labels(case.label)
    return [
        Found(
            score.name,
            score.dsc,
            score.hd95_mm,
            _centroids_apart(labels, reference, score.id),
            score.volume_error_percent,
        )
        for score in score_case(labels, reference, NAMES)
        if score.dsc is not None
    ]


def check(found: Mapping[str, Sequence[Found]], swaps: Sequence[str]) -> list[Check]:
    """The thresholds on the means over cases; an organ that was missed in one fails a threshold in mm."""
    checks = []
    every = [organ for organs in found.values() for organ in organs]
    for name in dict.fromkeys(organ.name for organ in every):
        of_organ = [organ for organ in every if organ.name == name]
        stem = side_of(name)[0]
        if stem in LEAST_DSC:
            dsc = fmean(organ.dsc for organ in of_organ)
            checks.append(Check(f"{name}: DSC >= {LEAST_DSC[stem]:.2f}", dsc, dsc >= LEAST_DSC[stem]))
        elif stem in MOST_MM:
            apart = [organ.centroid_mm for organ in of_organ if organ.centroid_mm is not None]
            mean = fmean(apart) if apart else None
            near = mean is not None and mean <= MOST_MM[stem] and len(apart) == len(of_organ)
            missed = len(of_organ) - len(apart)
            note = f", missed in {missed}" if missed else ""
            checks.append(Check(f"{name}: centroid within {MOST_MM[stem]:.0f} mm{note}", mean, near))
    return [*checks, Check("left and right swapped: 0", len(swaps), not swaps)]


def _centroids_apart(labels: Volume, reference: Volume, value: int) -> float | None:
    """Distance in mm between the centres of mass of an organ; None where one mask does not hold it."""
    first, second = (to_canonical(volume) for volume in (labels, reference))
    places = [np.argwhere(volume.array == value) for volume in (first, second)]
    if not all(len(place) for place in places):
        return None
    apart = (places[0].mean(axis=0) - places[1].mean(axis=0)) * second.geometry.spacing_zyx
    return float(np.linalg.norm(apart))


if __name__ == "__main__":
    raise SystemExit(main())
