"""The page of claims.py: one section per claim, and what the figures do not show."""

from collections.abc import Mapping
from typing import Any

from record import origin_line

from hnseg_train.evaluation.table import markdown_table, number

NOT_SHOWN = (
    "The patients are generated: their anatomy is drawn by rule and far more alike than patients'. Whether a "
    "claim holds on real CTs these figures do not say.",
    "The networks are narrow and trained for a hundredth of the published iterations; one training each, so "
    "that differences between two networks hold the chance of that training, too.",
    "Plain nnU-Net was cut to the size and the number of iterations of our 2D model, far from its defaults "
    "(512 x 512, 32 to 512 features, 250,000 iterations). Ours weighs small organs up at first, nnU-Net does "
    "not: as far as it has found no organ yet, its line says how slowly it starts, not what it comes to.",
    "Plain nnU-Net in 3D was not trained here; `hnseg train --baseline` does both, in full size, for a GPU.",
    "p is of the paired Wilcoxon signed-rank test, not corrected for several tests.",
)


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    return [
        "# The publication's claims on generated patients",
        "",
        f"{result['cases']} generated patients, plan `{result['plan']}`; every network is scored on cases "
        "that it has not seen.",
        "",
        *_mirroring(result["mirroring"]),
        "",
        *_small_organs(result["small_organs"], result["cases"]),
        "",
        *_combination(result["combination"], result["nnunet"]),
        "",
        "## What this does not show",
        "",
        *(f"- {line}" for line in NOT_SHOWN),
        "",
        origin_line(result, "cpu"),
    ]


def _mirroring(found: Mapping[str, Any]) -> list[str]:
    cases = next(iter(found.values()))["cases"]
    head = [
        "2D model",
        "DSC left temporal lobe",
        "right",
        "wrong side, temporal lobes",
        "all pairs",
        "mean DSC",
    ]
    rows = []
    for name, of in found.items():
        sides = of["other_side_percent"]
        rows.append(
            [
                name,
                number(of["dsc"]["temporal_lobe_left"], 3),
                number(of["dsc"]["temporal_lobe_right"], 3),
                f"{sides['temporal_lobe']:.1f} %",
                f"{sum(sides.values()) / len(sides):.1f} %",
                number(of["mean_dsc"], 3),
            ]
        )
    return [
        "## (a) Mirroring along x swaps left and right",
        "",
        f"{cases} cases of fold 0. Wrong side: of the voxels of a paired organ that were given to one of the "
        "pair, the share that was given to the other one.",
        "",
        *markdown_table(head, rows),
    ]


def _small_organs(found: Mapping[str, Any], cases: int) -> list[str]:
    rows = [
        [
            name,
            *(number(of["dsc"][model], 3) for model in ("2d", "3d", "3d_small")),
            f"{of['better_in']} of {cases}",
            "-" if of["p"] is None else f"{of['p']:.1g}",
        ]
        for name, of in found.items()
    ]
    return [
        "## (b) 3D-small against 3D on optic chiasm and pituitary",
        "",
        "Mean DSC; cases in which 3D-small is better than 3D, and p of the two.",
        "",
        *markdown_table(["organ", "2D", "3D", "3D-small", "3D-small better in", "p"], rows),
    ]


def _combination(found: Mapping[str, Any], nnunet: Mapping[str, Any]) -> list[str]:
    lines = ["## (c) The combination against single models and plain nnU-Net", ""]
    for caption, systems in (
        ("All cases. The combination was chosen on the same cases, but for the last line.", found["systems"]),
        (f"The first {nnunet['cases']} cases of fold 0.", nnunet["systems"]),
    ):
        rows = [
            [name, number(of["dsc"], 3), number(of["hd95_mm"], 2), str(of["missed"])]
            for name, of in systems.items()
        ]
        lines += [caption, "", *markdown_table(["", "mean DSC", "mean HD95 mm", "organs missed"], rows), ""]
    providers = found["provider"]
    lines.append(
        "Providers: "
        + "; ".join(
            f"{model}: {', '.join(organ for organ, of in providers.items() if of == model) or 'none'}"
            for model in ("2d", "3d", "3d_small")
        )
        + "."
    )
    return lines
