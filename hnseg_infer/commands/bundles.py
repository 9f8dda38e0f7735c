"""``hnseg bundles``: the weights that are here, their organs, their training data, how good they are."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hnseg_infer.coarse_cts import COARSE_CTS
from hnseg_infer.installed import MANIFEST, installed_bundles
from hnseg_infer.model_folder import read_json


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to what ``ArgumentParser.add_subparsers`` returned."""
    parser = subparsers.add_parser(
        "bundles", help="list the weights that are installed: organs, training data, scores"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print a paragraph for each bundle; raises BundleError when the manifest of one cannot be read."""
    del arguments
    installed = installed_bundles().items()
    print("\n\n".join(description(name, folder, read_json(folder / MANIFEST)) for name, folder in installed))


def description(name: str, folder: Path, manifest: Mapping[str, Any]) -> str:
    """One bundle in a few lines; its cross-validated DSC where its card has them."""
    card = manifest.get("card") or {}
    scores = {organ["name"]: organ.get("dsc") for organ in card.get("organs", ())}
    overall = card.get("cross_validation", {}).get("fused", {}).get("mean_dsc")
    organs = [
        organ["name"] if scores.get(organ["name"]) is None else f"{organ['name']} {scores[organ['name']]:.2f}"
        for organ in manifest["organs"]
    ]
    lines = [
        f"{name}: {manifest['name']}, {len(organs)} organs, in {folder}",
        f"  trained on {manifest['trained_on']}",
        f"  {', '.join(organs)}",
    ]
    if coarse := manifest.get(COARSE_CTS):
        lines.append(
            f"  in CTs with pixels from {coarse['from_pixel_mm']:g} mm {len(coarse['provider'])} of them by "
            f"models trained on {coarse['trained_on']}"
        )
    if overall is not None:
        cases = card["data"]["cases"]
        lines.append(f"  DSC of {cases} cases that the models had not seen; mean {overall:.3f}")
    return "\n".join((*lines, f"  {manifest['intended_use']}"))
