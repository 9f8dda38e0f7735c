"""A bundle for CTs of ordinary resolution and one for coarse CTs to one bundle for both."""

import json
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
from hnseg_train.evaluation.table import markdown_table, number
from hnseg_train.export import CARD_PAGE, copy_model, put_in_place, staging_folder

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
    for model in first.models:
        models[model.name] = copy_model(given["models"][model.name], first.folder, staging, model.name)
    for name, entry in of_coarse["models"].items():
        models[f"{PREFIX}{name}"] = copy_model(entry, second.folder, staging, f"{PREFIX}{name}")
    if (first.folder / CARD_PAGE).is_file():
        page = (first.folder / CARD_PAGE).read_text().split(HEADING)[0].rstrip()
        (staging / CARD_PAGE).write_text("\n".join((page, "", *_section(of_coarse, from_mm))) + "\n")
    manifest = {
        **{key: value for key, value in given.items() if key != "card"},
        "models": models,
        COARSE_CTS: _rule(of_coarse, from_mm),
        "sha256": checksums(staging),
        "card": {**given.get("card", {}), COARSE_CTS: of_coarse.get("card", {})},
    }
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    put_in_place(staging, bundle)
    return from_mm


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


def _rule(of_coarse: Mapping[str, Any], from_mm: float) -> dict[str, Any]:
    known = of_coarse.get("anatomy", {}).get("organs", {})
    return {
        "from_pixel_mm": from_mm,
        "trained_on": of_coarse["trained_on"],
        "provider": {organ: f"{PREFIX}{name}" for organ, name in of_coarse["provider"].items()},
        "without_strays": of_coarse.get("without_strays", []),
        "entropy": {
            name: {key: organ.get(key) for key in ("entropy_bits", "entropy_sd_bits")}
            for name, organ in known.items()
        },
    }


def _section(of_coarse: Mapping[str, Any], from_mm: float) -> list[str]:
    card = of_coarse.get("card", {})
    scores = {organ["name"]: organ["dsc"] for organ in card.get("organs", ())}
    rows = [(organ["name"], number(scores.get(organ["name"]), 3)) for organ in of_coarse["organs"]]
    return [
        HEADING,
        "",
        f"In CTs with pixels of at least {from_mm:g} mm these organs come from the bundle "
        f"{of_coarse['name']}, trained on {of_coarse['trained_on']}. Mean DSC of its cross-validation:",
        "",
        *markdown_table(("organ", "DSC"), rows),
    ]
