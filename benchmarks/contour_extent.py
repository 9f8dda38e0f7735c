"""How far up and down an organ was contoured, and what a prediction is worth in those slices alone.

Where a contour ends along the body is the contourer's choice as much as the anatomy's: most of all of the
spinal cord, and of the brain stem at the cord.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hnseg_infer.volume import Volume, to_canonical
from hnseg_train.evaluation.metrics import dice


@dataclass(frozen=True)
class Extent:
    """One organ of one case. dsc: in the slices from the contour's lowest to its highest.

    below_mm, above_mm: how far the prediction reaches below and above the contour; negative where it ends
    earlier.
    """

    name: str
    dsc: float
    below_mm: float
    above_mm: float


def extents(predicted: Volume, contoured: Volume, names: Mapping[int, str]) -> list[Extent]:
    """Of every organ that was both contoured and found, two label volumes on one grid."""
    found, wanted = to_canonical(predicted), to_canonical(contoured)
    height = wanted.geometry.spacing_zyx[0]
    results = []
    for value, name in names.items():
        ours, theirs = found.array == value, wanted.array == value
        if not ours.any() or not theirs.any():
            continue
        (lowest, highest), (low, high) = (np.flatnonzero(m.any((1, 2)))[[0, -1]] for m in (ours, theirs))
        inside = slice(low, high + 1)
        dsc = dice(ours[inside], theirs[inside]) if ours[inside].any() else 0.0
        results.append(Extent(name, dsc, float((low - lowest) * height), float((highest - high) * height)))
    return results


def by_organ(cases: Sequence[Sequence[Extent]]) -> dict[str, dict[str, float | list[float]]]:
    """Mean DSC in the contoured slices; 5th, 50th and 95th percentile of what the ends differ by, in mm."""
    organs: dict[str, list[Extent]] = {}
    for extent in (extent for case in cases for extent in case):
        organs.setdefault(extent.name, []).append(extent)
    return {
        name: {
            "dsc": float(np.mean([extent.dsc for extent in found])),
            "below_mm": np.percentile([extent.below_mm for extent in found], (5, 50, 95)).tolist(),
            "above_mm": np.percentile([extent.above_mm for extent in found], (5, 50, 95)).tolist(),
        }
        for name, found in organs.items()
    }
