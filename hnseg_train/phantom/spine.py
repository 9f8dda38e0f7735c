"""Vertebral column from atlas to the upper thorax, the canal and the cord."""

import numpy as np
from numpy.typing import NDArray

from hnseg_train.phantom.anatomy import CORD
from hnseg_train.phantom.canvas import Paint, cortical
from hnseg_train.phantom.loft import loft
from hnseg_train.phantom.shapes import Distance, F, Shape, common, ellipsoid, grown, minus, tube, where

DISCS = (
    -66,
    -82,
    -98,
    -114.5,
    -131,
    -148,
    -166.5,
    -186,
    -206,
    -227,
    -249,
    -272,
    -296,
    -320,
    -345,
    -371,
    -400,
    -440,
)
"""Heights of the discs below C2, C3, ..., mm."""
ATLAS_RING = ((0, -23.5), (13, -19), (23, -8), (19, 10), (0, 20))
"""One half of the atlas: (x, distance behind the cord)."""
_LEVELS = np.arange(-440.0, 20.0, 0.5)
_GAP = np.min(np.abs(_LEVELS[:, None] - np.asarray(DISCS)[None, :]), axis=1).astype(np.float32)


def cord_y(z: float) -> float:
    """The cord's y at height z."""
    heights = [p[0] for p in CORD[::-1]]
    return float(np.interp(z, heights, [p[1] for p in CORD[::-1]]))


_CENTRE = np.array([cord_y(z) for z in _LEVELS], dtype=np.float32)


def _row(z: F) -> NDArray[np.int32]:
    return np.asarray(np.clip((z + np.float32(440)) * 2, 0, len(_LEVELS) - 1), dtype=np.int32)


def _part(centre_v: float, half: tuple[float, float], x0: float, clearance: float, tilt: float) -> Distance:
    """An ellipse in every axial plane, ``centre_v`` mm behind the cord, ``clearance`` mm off the discs."""
    hx, hy = np.float32(half[0]), np.float32(half[1])

    def distance(x: F, y: F, z: F) -> F:
        v = y - _CENTRE[_row(z)]
        u = np.abs(x) - np.float32(x0) if x0 else x
        grow = 1 + np.clip((np.float32(-130) - z) / 500, 0, np.float32(0.35))
        w = v - np.float32(centre_v) * grow
        k = np.sqrt((u / (hx * grow)) ** 2 + (w / (hy * grow)) ** 2)
        d = (k - 1) * np.float32(min(half))
        if clearance > 0:
            gap = _GAP[_row(z + np.float32(tilt) * v)]
            d = np.maximum(d, np.float32(clearance) - gap)
        return np.asarray(d, dtype=np.float32)

    return distance


def _box(distance: Distance, reach: float, top: float) -> Shape:
    return where(distance, (-reach, -40, -430), (reach, 130, top))


def canal() -> Shape:
    """The spinal canal."""
    below, at_skull = (12.2, 8.6, 8.6), (14, 11, 12)
    return loft([(z, 0, y - 0.5, *(below if z < -40 else at_skull)) for z, y in CORD])


def cord() -> Shape:
    """The spinal cord, from the brain stem's lower end to the end of the scan."""
    return loft([(z, 0, y, 6.1 + 0.7 * np.exp(-(((z + 120) / 22) ** 2)), 4.6, 4.6) for z, y in CORD])


def spine() -> list[Paint]:
    """Bones, discs, canal and cord, in painting order."""
    bone = cortical(750, 330, 1.3)
    body = (-17.8, (13.5, 9.0))

    def below(top: float) -> Shape:
        return where(lambda x, y, z: z - np.float32(top), (-60, -60, -430), (60, 140, top))

    column = common(_box(_part(*body, 0, 0, 0), 24, -50), below(-50))
    segments = common(_box(_part(*body, 0, 2.3, 0.25), 24, -50), below(-50))
    arch = common(minus(_box(_part(2.0, (19.5, 15.5), 0, 4.2, 0.3), 28, -50), canal()), below(-50))
    pillars = common(_box(_part(-3.0, (7.5, 7.5), 20.5, 1.2, -0.3), 34, -48), below(-48))
    wings = common(_box(_part(-11.0, (9.0, 4.5), 23.0, 5.0, 0.2), 40, -50), below(-50))
    spinous = common(_box(_part(24.0, (3.4, 12.5), 0, 4.6, 0.45), 6, -50), below(-50))
    y = cord_y(-42)
    strokes = [
        Paint(column, 85),
        Paint(segments, bone),
        *[Paint(part, bone) for part in (wings, pillars, arch, spinous)],
        Paint(tube([(0, y - 13, -62), (0, y - 14, -36)], [6.5, 5]), bone),
    ]
    for s in (-1, 1):
        strokes += [
            Paint(ellipsoid((s * 21, y - 6, -41), (9, 10, 7.5)), bone),
            Paint(tube([(s * 24, y - 5, -42), (s * 38, y - 4, -43)], [5, 4]), bone),
            Paint(tube([(s * u, y + v, -42) for u, v in ATLAS_RING], 3.4), bone),
        ]
    return [
        *strokes,
        Paint(canal(), 8),
        Paint(minus(canal(), grown(canal(), -1.2)), 25),
        Paint(cord(), 36, 20),
    ]
