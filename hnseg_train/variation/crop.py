"""Where the scan begins and ends.

Arrays are ``[z, y, x]`` in canonical orientation (z superior): a scan's top is its last slice.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.preprocessing import HEAD_MM, body_mask
from hnseg_infer.volume import Volume
from hnseg_train.recipes import Organs
from hnseg_train.variation.landmarks import label_boxes, organ_values

LEAST_SLICES = 24

WHOLE_HEAD = 0.7
"""How often all of the head stays in view."""

BELOW_ORBITS_MM = 10.0
"""How far below the eyes a scan's top may lie."""

VERTEX_TO_ORBITS_MM = 110.0
"""Where no eye is labelled."""


@dataclass(frozen=True)
class Levels:
    """Slices of the chin, of the lowest top that a scan may have, of the highest part of the head in view."""

    chin: int
    lowest_top: int
    vertex: int


def head_levels(ct: Volume, labels: NDArray[np.uint8], organs: Organs) -> Levels:
    """The levels by the labels; by distances from the top of the body where mandible or eyes have none."""
    depth, slice_mm = ct.array.shape[0], ct.geometry.spacing[2]
    boxes = {value: box[0] for value, box in label_boxes(labels).items()}
    mask, _ = body_mask(ct.array, ct.geometry.spacing_zyx)
    body = np.flatnonzero(mask.any(axis=(1, 2)))
    vertex = max([int(body[-1]) if body.size else depth - 1, *(box.stop - 1 for box in boxes.values())])

    def lowest(stem: str, otherwise_mm: float) -> int:
        starts: list[int] = [boxes[value].start for value in organ_values(organs, stem) if value in boxes]
        return min(starts, default=max(0, vertex - round(otherwise_mm / slice_mm)))

    top = lowest("eye", VERTEX_TO_ORBITS_MM) - round(BELOW_ORBITS_MM / slice_mm)
    return Levels(lowest("mandible", HEAD_MM), max(0, top), vertex)


def sample_crop(labels: NDArray[np.uint8], levels: Levels, rng: np.random.Generator) -> slice:
    """Draw the slices that stay: at least 24 (or all of fewer), with an organ if there is one at all."""
    depth = len(labels)
    whole = rng.random() < WHOLE_HEAD
    top = rng.integers(levels.vertex, depth) if whole else rng.integers(levels.lowest_top, levels.vertex + 1)
    bottom = min(int(rng.integers(0, levels.chin + 1)), int(top))
    stop = int(top) + 1
    missing = max(0, min(LEAST_SLICES, depth) - (stop - bottom))
    bottom, missing = max(0, bottom - missing), missing - min(bottom, missing)
    planes = slice(bottom, stop + missing)
    return planes if labels[planes].any() or not labels.any() else slice(0, depth)


def crop(ct: Volume, labels: NDArray[np.uint8], *, planes: slice) -> tuple[Volume, NDArray[np.uint8]]:
    """CT and labels of some planes; their places in the patient stay."""
    array = np.ascontiguousarray(ct.array[planes])
    origin = ct.geometry.position((float(planes.start), 0.0, 0.0))
    geometry = replace(
        ct.geometry,
        shape=(array.shape[0], array.shape[1], array.shape[2]),
        origin=(float(origin[0]), float(origin[1]), float(origin[2])),
    )
    return Volume(array, geometry), np.ascontiguousarray(labels[planes])
