"""Is a CT with untrained voxel sizes better resampled, or seen as it is?

    python benchmarks/spacing_rule.py CT LABELS

writes ``results/spacing_rule.json`` and ``.md``: a labelled CT is resampled to several spacings, and
segmented each time by the bundle as it is and with its spacing rule off.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import add_output_options, origin, origin_line, write_result

from hnseg_infer.bundle import load_bundle
from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.organ_names import STRUCTSEG_NAMES
from hnseg_infer.pipeline import segment
from hnseg_infer.resampling import resample, resample_labels
from hnseg_infer.volume import Volume, to_canonical
from hnseg_train.evaluation.cohort import summarise, summarise_organs
from hnseg_train.evaluation.metrics import score_case
from hnseg_train.evaluation.table import markdown_table, number

FACTORS = (
    (1, 1, 1),
    (1, 1.5, 1.5),
    (1, 2, 2),
    (1, 2.5, 2.5),
    (1 / 1.5, 1, 1),
    (1 / 2, 1, 1),
    (1 / 3, 1, 1),
    (1.8, 1, 1),
)
"""How many times as large the voxels get (z, y, x)."""


def main() -> int:
    """Resample, segment both ways, write."""
    parser = argparse.ArgumentParser(description="The rule for CTs with untrained spacings.")
    parser.add_argument("ct", type=Path, metavar="CT")
    parser.add_argument("labels", type=Path, metavar="LABELS", help="StructSeg's labels on its grid")
    parser.add_argument("--bundle", type=Path, help="(default: the default bundle)")
    add_output_options(parser, "spacing_rule")
    arguments = parser.parse_args()
    # models of their own for coarse CTs would hide what the rule does
    bundle = replace(load_bundle(arguments.bundle), coarse=None)
    with_rule, without = load(bundle, "cpu"), load(replace(bundle, trained_spacing=None), "cpu")
    ct = to_canonical(read_ct(arguments.ct))
    labels = to_canonical(read_labels(arguments.labels)).array.astype(np.uint8)
    trials = []
    for factors in FACTORS:
        image, reference = at_factors(ct, labels, factors)
        trials.append(
            {
                "spacing_xyz": [round(mm, 3) for mm in image.geometry.spacing],
                "resampled": resampled(image, with_rule),
                "dsc_with_rule": mean_dsc(image, reference, with_rule),
                "dsc_as_it_is": mean_dsc(image, reference, without),
            }
        )
        print(trials[-1], flush=True)
    trained = bundle.trained_spacing
    result = {
        **origin(),
        "bundle": {"name": bundle.name, "trained_on": bundle.trained_on},
        "trained_spacing_zyx": None if trained is None else [trained.low, trained.high],
        "device": with_rule.device,
        "trials": trials,
    }
    write_result(arguments, result, report(result))
    return 0


def at_factors(ct: Volume, labels: NDArray[np.uint8], factors: Sequence[float]) -> tuple[Volume, Volume]:
    """CT and labels on voxels so many times as large."""
    z, y, x = (round(size / factor) for size, factor in zip(ct.array.shape, factors, strict=True))
    step_z, step_y, step_x = (
        mm * old / new
        for mm, old, new in zip(ct.geometry.spacing_zyx, ct.array.shape, (z, y, x), strict=True)
    )
    geometry = replace(ct.geometry, shape=(z, y, x), spacing=(step_x, step_y, step_z))
    hu = np.round(resample(ct.array, (z, y, x))).astype(np.int16)
    return Volume(hu, geometry), Volume(resample_labels(labels, (z, y, x)), geometry)


def resampled(ct: Volume, loaded: LoadedBundle) -> bool:
    """Whether the bundle's rule takes hold."""
    warnings = segment(ct, bundle=loaded).warnings
    return any(warning.code == "untypical_spacing" for warning in warnings)


def mean_dsc(ct: Volume, reference: Volume, loaded: LoadedBundle) -> float | None:
    """Mean over organs against the reference."""
    scores = score_case(segment(ct, bundle=loaded).labels, reference, STRUCTSEG_NAMES)
    return summarise(summarise_organs([scores])).dsc


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    rows = [
        (
            " x ".join(f"{mm:.3g}" for mm in trial["spacing_xyz"]),
            "yes" if trial["resampled"] else "no",
            number(trial["dsc_with_rule"], 3),
            number(trial["dsc_as_it_is"], 3),
        )
        for trial in result["trials"]
    ]
    return [
        "# CTs with untrained voxel sizes",
        "",
        f"Bundle `{result['bundle']['name']}`, trained on {result['bundle']['trained_on']}; spacings "
        f"(z, y, x) {result['trained_spacing_zyx']}. One real CT with draft contours, resampled: the DSC is "
        "no accuracy, but its fall shows what the networks make of other voxels.",
        "",
        *markdown_table(("spacing x, y, z (mm)", "resampled", "DSC with the rule", "DSC as it is"), rows),
        "",
        origin_line(result, result["device"]),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
