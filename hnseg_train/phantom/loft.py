"""Solids stacked from axial outlines: heads, necks, lungs, the cord."""

from collections.abc import Sequence

import numpy as np

from hnseg_train.phantom.shapes import F, Shape, where

LOFT_STEP = 0.5
"""Resolution in mm of a loft's table along z."""


def loft(rows: Sequence[Sequence[float]], square: bool = False) -> Shape:
    """A stack of ellipses (``square``: superellipses of power 2.5) along z.

    Each row is (z, centre x, centre y, half width, half depth to the front, half depth to the back); rows are
    interpolated linearly and the ends are flat.
    """
    table = np.asarray(sorted(rows, key=lambda row: row[0]), dtype=np.float64)
    bottom, top = table[0, 0], table[-1, 0]
    levels = np.arange(bottom, top + LOFT_STEP, LOFT_STEP)
    cx, cy, half, front, back = (
        np.interp(levels, table[:, 0], table[:, i]).astype(np.float32) for i in range(1, 6)
    )
    across, ahead, behind = 1 / half, 1 / front, 1 / back

    def distance(x: F, y: F, z: F) -> F:
        level = ((z - np.float32(bottom)) * np.float32(1 / LOFT_STEP)).astype(np.int32)
        np.clip(level, 0, len(levels) - 1, out=level)
        per_width = across[level]
        v = y - cy[level]
        per_depth = np.where(v < 0, ahead[level], behind[level])
        u = x - cx[level] if cx.any() else x.copy()
        u *= per_width
        v *= per_depth
        np.abs(u, out=u)
        np.abs(v, out=v)
        # k**2.5 in place of k for the squarer outline: the same surface and slope there, but no powers
        u_up, v_up = (u * np.sqrt(u), v * np.sqrt(v)) if square else (u, v)
        k = u * u_up + v * v_up
        if not square:
            k = np.sqrt(k)
        u_up *= per_width
        v_up *= per_depth
        slope = np.sqrt(u_up * u_up + v_up * v_up)
        slope *= np.float32(2.5) if square else 1 / (k + np.float32(1e-4))
        d = (k - 1) / np.maximum(slope, np.minimum(per_width, per_depth))
        return np.asarray(np.maximum(d, np.maximum(np.float32(bottom) - z, z - np.float32(top))), np.float32)

    low = (table[:, 1] - table[:, 3]).min(), (table[:, 2] - table[:, 4]).min(), bottom
    high = (table[:, 1] + table[:, 3]).max(), (table[:, 2] + table[:, 5]).max(), top
    return where(distance, low, high)
