"""Where organs lie in heads that were turned until the eyes are as high as in the average patient.

Chins are held up and down, in 35 planning CTs by about 20 degrees either way, which moves what lies in front
of the brain stem by many mm; turned level, one patient can be held against the average of others. Places are
mm up, back and left.
"""

from collections.abc import Mapping, Sequence
from math import atan2, cos, sin
from statistics import fmean, pstdev
from typing import Any

Place = tuple[float, float, float]

EYES = (27.9, -80.5)
"""The middle between the eyes from the brain stem, up and back: mean of 35 planning CTs."""

LEVELLED = ("optic_nerve_left", "optic_nerve_right", "optic_chiasm", "pituitary", "tmj_left", "tmj_right")
"""Organs before the brain stem whose place in a CT is mostly a matter of the chin."""


def level(centres: Mapping[str, Sequence[float]]) -> dict[str, Place] | None:
    """Offsets from the brain stem's centroid in the level head; None without the brain stem or an eye."""
    if not {"brain_stem", "eye_left", "eye_right"} <= set(centres):
        return None
    stem = centres["brain_stem"]
    off = {
        name: tuple(mm - from_mm for mm, from_mm in zip(centre, stem, strict=True))
        for name, centre in centres.items()
    }
    up, back = (fmean(off[f"eye_{side}"][axis] for side in ("left", "right")) for axis in (0, 1))
    turn = atan2(EYES[0], -EYES[1]) - atan2(up, -back)
    return {
        name: (z * cos(turn) - y * sin(turn), y * cos(turn) + z * sin(turn), x)
        for name, (z, y, x) in off.items()
    }


def level_places(
    made: Sequence[Mapping[str, Sequence[float]]], real: Mapping[str, Mapping[str, Sequence[float]]]
) -> dict[str, dict[str, Any]]:
    """Per organ: mean and SD in the generated patients, the place in each real one.

    made: centroids (mm) of each generated patient; real: the same by patient's name.
    """
    heads = [head for centres in made if (head := level(centres)) is not None]
    others = {name: head for name, centres in real.items() if (head := level(centres)) is not None}
    found = {}
    for organ in LEVELLED:
        places = [head[organ] for head in heads if organ in head]
        if len(places) < 2:
            continue
        found[organ] = {
            "generated_mm": [fmean(axis) for axis in zip(*places, strict=True)],
            "generated_sd_mm": [pstdev(axis) for axis in zip(*places, strict=True)],
            "real_mm": {name: list(head[organ]) for name, head in others.items() if organ in head},
        }
    return found
