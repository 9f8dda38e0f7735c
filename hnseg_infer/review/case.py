"""What the report says about the organs of one case, and whether somebody should look at them.

Arrays are canonical ``[z, y, x]``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.bundle import Bundle, BundleOrgan
from hnseg_infer.model_run import ModelResult
from hnseg_infer.report import OrganResult, Reason, Warning
from hnseg_infer.review.measure import OrganMeasure, measure_organs
from hnseg_infer.review.reasons import out_of_view, reasons
from hnseg_infer.volume import Geometry


@dataclass(frozen=True)
class CaseReview:
    """The organs of a case in the bundle's order, warnings about missing ones, every reason for a review."""

    organs: tuple[OrganResult, ...]
    warnings: tuple[Warning, ...]
    reasons: tuple[Reason, ...]


def review_case(
    fused: NDArray[np.uint8],
    geometry: Geometry,
    results: Mapping[str, ModelResult],
    bundle: Bundle,
    warnings: Sequence[Warning],
) -> CaseReview:
    """Measure every organ of the fused labels and compare it with the bundle's training patients.

    geometry: the canonical grid. results: of each model, for their entropies. warnings: so far.
    """
    measured = measure_organs(fused, geometry, [organ.id for organ in bundle.organs])
    found = {organ.name: measured[organ.id] for organ in bundle.organs if organ.id in measured}
    depth, height, width = (
        size * step for size, step in zip(geometry.shape, geometry.spacing_zyx, strict=True)
    )
    missing = {
        organ.name: bundle.anatomy is not None
        and out_of_view(found, bundle.anatomy, organ.name, (depth, height, width))
        for organ in bundle.organs
        if organ.name not in found
    }
    entropy = {
        organ.name: bits
        for organ in bundle.organs
        if (bits := results[bundle.provider[organ.id]].entropy.get(organ.id)) is not None
    }
    organs = tuple(
        _result(organ, bundle, found.get(organ.name), not missing.get(organ.name), entropy.get(organ.name))
        for organ in bundle.organs
    )
    return CaseReview(
        organs, _about_missing(missing), reasons(found, missing, entropy, bundle.anatomy, warnings)
    )


def _result(
    organ: BundleOrgan, bundle: Bundle, found: OrganMeasure | None, in_view: bool, bits: float | None
) -> OrganResult:
    return OrganResult(
        id=organ.id,
        name=organ.name,
        provider=bundle.provider[organ.id],
        volume_cm3=found.volume_cm3 if found else 0.0,
        in_view=in_view,
        pieces=found.pieces if found else 0,
        at_border=found.at_border if found else False,
        entropy_bits=bits if found else None,
    )


def _about_missing(missing: Mapping[str, bool]) -> tuple[Warning, ...]:
    warnings = []
    for outside, code, words in (
        (False, "organs_not_found", "Not found in the CT"),
        (True, "organs_out_of_view", "Outside the CT, by the organs that were found"),
    ):
        names = ", ".join(name for name, is_outside in missing.items() if is_outside is outside)
        if names:
            warnings.append(Warning(code, f"{words}: {names}."))
    return tuple(warnings)
