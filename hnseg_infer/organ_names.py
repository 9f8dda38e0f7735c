"""What the values of a mask are called: the list in a report or bundle.json, or StructSeg's table."""

import json
from collections.abc import Mapping
from pathlib import Path

from hnseg_infer.errors import InputError
from hnseg_infer.formats import stem
from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_infer.report import read_report

STRUCTSEG_NAMES: Mapping[int, str] = {organ.id: organ.name for organ in STRUCTSEG_ORGANS}
"""Name by label value in StructSeg 2019's layout."""

_COLORS = {organ.name: organ.color for organ in STRUCTSEG_ORGANS}

_FALLBACK_COLORS = (
    (86, 180, 233), (230, 159, 0), (0, 200, 140), (240, 228, 66), (213, 94, 0), (204, 121, 167),
    (120, 140, 255), (160, 220, 80), (255, 120, 120), (90, 220, 220), (200, 160, 255), (220, 190, 140),
)  # fmt: skip


def read_names(path: Path) -> dict[int, str]:
    """Label names by value from a file whose ``organs`` lists objects with ``id`` and ``name``.

    Both a report and bundle.json are such files. Raises InputError when ``path`` is not one.
    """
    try:
        organs = json.loads(path.read_text(encoding="utf-8"))["organs"]
        names = {int(organ["id"]): str(organ["name"]) for organ in organs}
        if not all(0 < value < 256 for value in names):
            raise ValueError("label values lie in 1..255")
        return names
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} gives no organ names; "
            "a report of a mask or bundle.json, whose list 'organs' holds ids 1..255 and names, is accepted."
        ) from error


def names_beside(mask: Path) -> dict[int, str] | None:
    """Label names from the report that was written with a mask: all organs that its bundle offers.

    ``hnseg segment`` puts it beside the mask, under the mask's name; the container calls it results.json, two
    folders above. None where no report there names this mask. Raises InputError for a damaged one.
    """
    # the container's mask lies in images/<slug>
    folders = (mask.parent, mask.absolute().parent.parent.parent)
    for path in (mask.with_name(f"{stem(mask)}.json"), *(folder / "results.json" for folder in folders)):
        report = read_report(path)
        if report and stem(Path(str(report.get("mask")))) == stem(mask):
            return read_names(path)
    return None


def label_name(value: int, names: Mapping[int, str]) -> str:
    """The organ's name, or ``label_<value>`` when ``names`` does not list the value."""
    return names.get(value, f"label_{value}")


def label_color(value: int, name: str) -> tuple[int, int, int]:
    """RGB colour: StructSeg's by organ name, else one of a fixed palette by label value."""
    return _COLORS.get(name, _FALLBACK_COLORS[value % len(_FALLBACK_COLORS)])
