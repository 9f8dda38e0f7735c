"""Where the head lies in the axial plane: what every model's view of a CT is centred on.

Arrays are canonical ``[z, y, x]`` in HU, spacings (z, y, x) mm. The place follows the skull alone, so that
air, couch, arms and shoulders beside the head, or a field of view that leaves them out, do not move it.
"""

import numpy as np

from hnseg_infer.head_in_view import BONE_HU, BRAIN_EVERY_MM, brain_center
from hnseg_infer.preprocessing import HEAD_MM, body_mask
from hnseg_infer.volume import Array

SKULL_MM = 150.0
"""Below the highest slice with brain: base of the skull, face and upper jaw."""

_BEFORE_MM, _BEHIND_MM, _BESIDE_MM = 150.0, 100.0, 100.0
"""How far from the brain's centre a skull reaches, with the chin raised or lowered."""

Place = tuple[float, float]
"""Row and column, in voxels."""


def head_center(hu: Array, spacing_zyx: tuple[float, float, float]) -> Place:
    """Row and column that the head is centred on.

    The centroid of the skull's bone; where no brain is recognised that of the body's upper
    ``HEAD_MM``, without a body the image's own centre.
    """
    step = max(1, round(BRAIN_EVERY_MM / spacing_zyx[0]))
    centers = {
        z: center
        for z in range(len(hu) - 1, -1, -step)
        if (center := brain_center(hu[z], spacing_zyx[1:])) is not None
    }
    if centers:
        return _skull_center(hu, spacing_zyx, max(centers), np.median(list(centers.values()), axis=0))
    return _body_center(hu, spacing_zyx)


def _skull_center(hu: Array, spacing_zyx: tuple[float, float, float], top: int, brain: Array) -> Place:
    _, row_mm, column_mm = spacing_zyx
    first_row, last_row = (round(brain[0] + mm / row_mm) for mm in (-_BEFORE_MM, _BEHIND_MM))
    first_column, last_column = (round(brain[1] + mm / column_mm) for mm in (-_BESIDE_MM, _BESIDE_MM))
    first_row, first_column = max(0, first_row), max(0, first_column)
    bottom = max(0, top - round(SKULL_MM / spacing_zyx[0]))
    bone = hu[bottom : top + 1, first_row:last_row, first_column:last_column] > BONE_HU
    _, rows, columns = np.nonzero(bone)
    if not rows.size:
        # a shell wider than any skull
        return float(brain[0]), float(brain[1])
    return first_row + float(rows.mean()), first_column + float(columns.mean())


def _body_center(hu: Array, spacing_zyx: tuple[float, float, float]) -> Place:
    mask, (step_y, step_x) = body_mask(hu, spacing_zyx)
    occupied = np.flatnonzero(mask.any(axis=(1, 2)))
    if not occupied.size:
        return (hu.shape[1] - 1) / 2, (hu.shape[2] - 1) / 2
    top = int(occupied[-1])
    bottom = max(0, top - round(HEAD_MM / spacing_zyx[0]))
    _, rows, columns = np.nonzero(mask[bottom : top + 1])
    return float(rows.mean()) * step_y, float(columns.mean()) * step_x
