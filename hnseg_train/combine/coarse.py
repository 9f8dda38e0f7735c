"""A bundle for CTs of ordinary resolution and one for coarse CTs to one bundle for both."""

import json
import shutil
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.checksums import checksums
from hnseg_infer.coarse_cts import COARSE_CTS
from hnseg_infer.errors import InputError
from hnseg_infer.installed import MANIFEST
from hnseg_infer.model_folder import read_json
from hnseg_train.evaluation.table import number
from hnseg_train.export import CARD_PAGE, put_in_place, staging_folder

PREFIX = "coarse_"
"""Before the names of the models that coarse CTs get."""

HEADING = "## CTs of low resolution"
"""Of the card's section about them, its last one."""


def add_coarse(base: Path, coarse: Path, bundle: Path) -> float:
    """Write ``base`` anew as ``bundle``, with the organs of ``coarse`` taken from its models in coarse CTs.

    Models for coarse CTs that ``base`` has already are left out. Returns the pixel size (mm) from which on
    CTs are coarse: as far (as a factor) from the largest pixels that the one was trained on as from the
    smallest of the other. Raises InputError where the two do not fit.
    """
    first, second = load_bundle(base), load_bundle(coarse)
    from_mm = _from_pixel_mm(first, second)
    _check(first, second)
    given, of_coarse = (read_json(each.folder / MANIFEST) for each in (first, second))
    staging = staging_folder(bundle)
    models = {}
    for name in (model.name for model in first.models):
        models[name] = _copy(given["models"][name], first.folder, staging, name)
    for name, entry in of_coarse["models"].items():
        models[f"{PREFIX}{name}"] = _copy(entry, second.folder, staging, f"{PREFIX}{name}")
    if (first.folder / CARD_PAGE).is_file():
        page = (first.folder / CARD_PAGE).read_text().split(HEADING)[0].rstrip()
        (staging / CARD_PAGE).write_text("\n".join((page, "", *_section(of_coarse, from_mm))) + "\n")
    manifest = _manifest(given, of_coarse, from_mm) | {"models": models, "sha256": checksums(staging)}
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    put_in_place(staging, bundle)
    return from_mm


def _copy(entry: Mapping[str, Any], source: Path, target: Path, name: str) -> dict[str, Any]:
    shutil.copytree(source / entry["folder"], target / name)
    return {**entry, "folder": name}


def _from_pixel_mm(first: Bundle, second: Bundle) -> float:
    if first.trained_spacing is None or second.trained_spacing is None:
        raise InputError("A bundle does not say what spacings it was trained on; accepted are two that do.")
    largest, smallest = max(first.trained_spacing.high[1:]), min(second.trained_spacing.low[1:])
    if largest >= smallest:
        raise InputError(
            f"{first.folder} was trained on pixels up to {largest:.2f} mm, {second.folder} from "
            f"{smallest:.2f} mm; accepted are bundles whose ranges do not meet."
        )
    return round(sqrt(largest * smallest), 2)


def _check(first: Bundle, second: Bundle) -> None:
    foreign = [organ.name for organ in second.organs if organ not in first.organs]
    if foreign:
        raise InputError(
            f"{second.folder} outlines {foreign[0]}, which {first.folder} does not know as such."
        )
    if any(model.roi or model.spacing is None for model in second.models):
        raise InputError(
            f"{second.folder} has a model for a ROI or for the CT's own voxels; accepted are models that "
            "see the CT at one spacing."
        )


def _manifest(first: Mapping[str, Any], second: Mapping[str, Any], from_mm: float) -> dict[str, Any]:
    known = second.get("anatomy", {}).get("organs", {})
    entropy = {
        organ: {key: of_organ.get(key) for key in ("entropy_bits", "entropy_sd_bits")}
        for organ, of_organ in known.items()
    }
    entry = {
        "from_pixel_mm": from_mm,
        "trained_on": second["trained_on"],
        "provider": {organ: f"{PREFIX}{name}" for organ, name in second["provider"].items()},
        "without_strays": second.get("without_strays", []),
        "entropy": entropy,
    }
    card = {**first.get("card", {}), COARSE_CTS: second.get("card", {})}
    rest = {key: value for key, value in first.items() if key not in (COARSE_CTS, "sha256", "card")}
    return {**rest, COARSE_CTS: entry, "sha256": {}, "card": card}


def _section(second: Mapping[str, Any], from_mm: float) -> list[str]:
    card = second.get("card", {})
    scores = {organ["name"]: organ["dsc"] for organ in card.get("organs", ())}
    return [
        HEADING,
        "",
        f"In CTs with pixels of at least {from_mm:g} mm these organs come from the bundle {second['name']}, "
        f"trained on {second['trained_on']}. Mean DSC of its cross-validation:",
        "",
        "| organ | DSC |",
        "| --- | ---: |",
        *(f"| {organ['name']} | {number(scores.get(organ['name']), 3)} |" for organ in second["organs"]),
    ]
