"""What bundle.json says of CTs of low resolution, for which some organs may come from other models.

Networks that see a CT's own voxels were trained on voxels of one size, and blow up a CT whose pixels are far
wider; for such CTs a bundle can hold models that were trained on them. Its entry ``coarse_cts`` has
``from_pixel_mm``, ``trained_on`` and, for the organs that are then taken from elsewhere, ``provider`` (organ
to model), ``without_strays`` (those of these organs) and ``entropy`` (organ to ``entropy_bits``,
``entropy_sd_bits``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hnseg_infer.errors import BundleError
from hnseg_infer.spacing_rule import is_positive

COARSE_CTS = "coarse_cts"
"""Key of the entry."""


def from_pixel_mm(path: Path, entry: Mapping[str, Any]) -> float:
    """The smallest pixel (mm) of a coarse CT; raises BundleError where it is no length."""
    mm = entry["from_pixel_mm"]
    if not is_positive(mm):
        raise BundleError(f"{path} takes CTs with pixels from {mm!r} mm for coarse; accepted: a length.")
    return float(mm)


def manifest_for_coarse_cts(manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest as it holds for coarse CTs: the same bundle with the entry's organs from elsewhere."""
    provider = dict(entry["provider"])
    strays = [organ for organ in manifest.get("without_strays", []) if organ not in provider]
    changed = {
        "trained_on": f"{manifest['trained_on']}; {len(provider)} of the organs: {entry['trained_on']}",
        "provider": {**manifest["provider"], **provider},
        "without_strays": strays + list(entry.get("without_strays", [])),
    }
    if "anatomy" in manifest:
        # how unsure another network was is no measure for this one
        unknown = {"entropy_bits": None, "entropy_sd_bits": None}
        known = dict(entry.get("entropy", {}))
        organs = {
            name: {**organ, **known.get(name, unknown)} if name in provider else organ
            for name, organ in manifest["anatomy"]["organs"].items()
        }
        changed["anatomy"] = {**manifest["anatomy"], "organs": organs}
    return {**manifest, **changed}
