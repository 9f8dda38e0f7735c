"""What scores on OpenKBP are worth where its CTs are blank around the organs.

    hnseg openkbp OPENKBP --out TRAIN --test TEST
    python benchmarks/blanked_cts.py TEST

In a part of OpenKBP's CTs what lies farther than some mm from the contours is air in wide parts of the head,
so that the edge of what is left follows the contours. Of brain stem and spinal cord, which have no air beside
them, that can be told. Reads the cases' scores from ``results/accuracy_openkbp.json`` and
``accuracy_openkbp_default.json`` and writes ``results/blanked_cts.json`` and ``.md``.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import RESULTS, add_output_options, origin, origin_line, write_result
from scipy import ndimage

from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_train.cases import find_cases
from hnseg_train.evaluation.table import markdown_table, number

INNER = ("brain_stem", "spinal_cord")
"""Organs that tissue surrounds on all sides."""

NEAR_MM = (5.0, 12.0)
"""From how far to how far around an organ air is looked for."""

AIR_HU = -900.0

BLANKED = 0.05
"""Share of air around one of INNER from which a CT counts as blanked; beside these organs is hardly any."""

SCORES = ("accuracy_openkbp", "accuracy_openkbp_default")


def main() -> int:
    """Look around the organs, divide the cases, write."""
    parser = argparse.ArgumentParser(description="Scores where OpenKBP's CTs are blank around the organs.")
    parser.add_argument("test", type=Path, metavar="TEST", help="the cases of both results")
    parser.add_argument("--scores", type=Path, default=RESULTS, help="folder of both results")
    add_output_options(parser, "blanked_cts")
    arguments = parser.parse_args()
    ids = {organ.name: organ.id for organ in STRUCTSEG_ORGANS}
    air: dict[str, dict[str, float]] = {}
    for case in find_cases(arguments.test):
        ct, labels = read_ct(case.ct), read_labels(case.label).array
        air[case.name] = {
            name: air_around(ct.array, labels == ids[name], ct.geometry.spacing_zyx)
            for name in INNER
            if (labels == ids[name]).any()
        }
    blanked = sorted(name for name, shares in air.items() if max(shares.values(), default=0.0) > BLANKED)
    results = {}
    for name in SCORES:
        found = json.loads((arguments.scores / f"{name}.json").read_text())
        results[name] = {"bundle": found["bundle"], "organs": divided(found["scores"], blanked)}
    result = {**origin(), "cases": len(air), "blanked": blanked, "air": air, "results": results}
    write_result(arguments, result, report(result))
    return 0


def air_around(hu: NDArray[Any], organ: NDArray[np.bool_], spacing_zyx: tuple[float, float, float]) -> float:
    """Share of air among the voxels ``[z, y, x]`` that lie within NEAR_MM of an organ."""
    distance = ndimage.distance_transform_edt(~organ, sampling=spacing_zyx)
    near = (distance >= NEAR_MM[0]) & (distance <= NEAR_MM[1])
    return float((hu[near] <= AIR_HU).mean())


def divided(
    scores: Mapping[str, Sequence[Mapping[str, Any]]], blanked: Sequence[str]
) -> dict[str, dict[str, list[float]]]:
    """DSC of every contoured organ, in blanked CTs and in the others; a missed one has 0."""
    organs: dict[str, dict[str, list[float]]] = {}
    for case, of_case in scores.items():
        for score in of_case:
            if score["dsc"] is not None:
                kinds = organs.setdefault(score["name"], {"blanked": [], "whole": []})
                kinds["blanked" if case in blanked else "whole"].append(score["dsc"])
    return organs


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    lines = [
        "# Scores where OpenKBP's CTs are blank around the organs",
        "",
        f"In {len(result['blanked'])} of {result['cases']} test patients more than {BLANKED:.0%} of what "
        f"lies {NEAR_MM[0]:.0f} to {NEAR_MM[1]:.0f} mm from the contour of brain stem or spinal cord is air: "
        "the data set has blanked its CTs there, and the edge of what is left follows the contours. "
        "Mean DSC, and number of cases:",
        "",
    ]
    for of_bundle in result["results"].values():
        rows = [
            [organ, *_mean_and_count(kinds["blanked"]), *_mean_and_count(kinds["whole"])]
            for organ, kinds in of_bundle["organs"].items()
        ]
        lines += [
            f"Bundle `{of_bundle['bundle']['name']}`:",
            "",
            *markdown_table(("organ", "DSC, blanked", "cases", "DSC, whole", "cases"), rows),
            "",
        ]
    return [*lines, f"Blanked: {', '.join(result['blanked'])}.", "", origin_line(result, "none")]


def _mean_and_count(values: Sequence[float]) -> tuple[str, str]:
    return number(fmean(values) if values else None, 3), str(len(values))


if __name__ == "__main__":
    raise SystemExit(main())
