"""The page about generated and real patients: tables of what ``phantoms_against_real.py`` measured."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_train.evaluation.table import markdown_table


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    cohorts = list(result["patients"])
    counted = ", ".join(f"{name}: {count}" for name, count in result["patients"].items())
    machine = result["machine"]
    return [
        "# Generated patients against real ones",
        "",
        f"Patients: {counted}.",
        "",
        "## Volumes in cm3: median (smallest to largest)",
        "",
        *markdown_table(
            ("organ", *cohorts),
            _rows(result["volumes_cm3"], lambda low, mid, high: f"{mid:.3g} ({low:.3g} to {high:.3g})"),
        ),
        "",
        "## HU: median (5th to 95th percentile of voxels)",
        "",
        *markdown_table(
            ("organ", *cohorts),
            _rows(result["hu"], lambda low, mid, high: f"{mid:.0f} ({low:.0f} to {high:.0f})"),
        ),
        "",
        "## Places",
        "",
        "How far a typical place is from that in the 35 planning CTs, and its standard deviation given the "
        "other organs (up, back, left).",
        "",
        *markdown_table(
            ("organ", "apart, mm", "SD generated, mm", "SD real, mm"),
            [
                (
                    name,
                    f"{found['apart_mm']:.1f}",
                    *(_vector(found[f"sd_{kind}_mm"]) for kind in ("generated", "real")),
                )
                for name, found in result["places"].items()
            ],
        ),
        "",
        "## Places in level heads",
        "",
        "From the brain stem's centroid, mm up, back and left, in heads turned until the eyes are as high as "
        "the average patient's.",
        "",
        *markdown_table(
            ("organ", "generated (SD)", *_level_names(result)),
            [
                (
                    name,
                    f"{_vector(found['generated_mm'])} ({_vector(found['generated_sd_mm'])})",
                    *(
                        _vector(found["real_mm"][patient]) if patient in found["real_mm"] else "-"
                        for patient in _level_names(result)
                    ),
                )
                for name, found in result["level_places"].items()
            ],
        ),
        "",
        f"`{result['command']}` on {machine['cpu']}, {machine['cores']} cores.",
    ]


def _vector(millimetres: Sequence[float]) -> str:
    return ", ".join(f"{mm:.1f}" for mm in millimetres)


def _level_names(result: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(name for found in result["level_places"].values() for name in found["real_mm"]))


def _rows(values: Mapping[str, Mapping[str, Sequence[float]]], cell: Any) -> Iterable[Sequence[str]]:
    for name in (organ.name for organ in STRUCTSEG_ORGANS):
        if any(name in cohort for cohort in values.values()):
            yield name, *(cell(*cohort[name]) if name in cohort else "-" for cohort in values.values())
