"""What there is to know about each organ of a label map: size, place, pieces, density.

Arrays are canonical ``[z, y, x]``.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.preprocessing import Window
from hnseg_infer.review.measure import OrganMeasure, measure_organs
from hnseg_infer.volume import Array, Geometry
from hnseg_train.cohort_check.findings import OrganFacts


def organ_facts(
    labels: NDArray[np.uint8],
    geometry: Geometry,
    organs: Mapping[int, str],
    hu: Array | None,
    window: Window | None,
) -> list[OrganFacts]:
    """Facts on every organ that ``labels`` holds, by label value.

    hu: the CT on the same grid. window: the box of voxels that the 3D model sees.
    """
    facts = []
    for value, organ in measure_organs(labels, geometry, organs).items():
        mask = labels[organ.box] == value
        x, y, z = (float(place) for place in geometry.position(organ.center))
        facts.append(
            OrganFacts(
                id=value,
                name=organs[value],
                voxels=organ.voxels,
                volume_cm3=organ.volume_cm3,
                center_mm=(x, y, z),
                box=organ.box,
                pieces=organ.pieces,
                outside_largest=organ.outside_largest,
                stray_mm=organ.stray_mm,
                outside_window=None if window is None else _outside(mask, organ, window),
                median_hu=None if hu is None else float(np.median(hu[organ.box][mask])),
            )
        )
    return facts


def _outside(mask: NDArray[np.bool_], organ: OrganMeasure, window: Window) -> int:
    """Voxels of an organ that lie outside ``window``; ``mask`` is its own box."""
    common = tuple(
        slice(max(seen.start - part.start, 0), max(seen.stop - part.start, 0))
        for part, seen in zip(organ.box, window, strict=True)
    )
    return organ.voxels - int(np.count_nonzero(mask[common]))
