"""The upper trunk: lungs, ribs, sternum, shoulder girdle, mediastinum."""

import numpy as np

from hnseg_train.phantom.canvas import Paint, cortical, lobed
from hnseg_train.phantom.loft import loft
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, Shape, ellipsoid, grown, mirrored, tube

CLAVICLE = ((14, -50, -180), (60, -48, -168), (110, -12, -158), (152, 20, -152))
SCAPULA = ((146, 38, -178), (100, 88, -200), (92, 92, -300))
MEDIASTINUM = ((-420, 0, 0, 45, 75, 40), (-230, 0, 0, 40, 55, 40), (-175, 0, 0, 30, 40, 30))
WALL_MM = 9.5
"""Thickness of the chest wall's inner layer, which holds the ribs."""


def lung(side: int) -> Shape:
    """One lung from its apex down."""
    s = side
    return loft(
        [
            (-172, s * 38, 14, 6, 8, 8),
            (-180, s * 42, 14, 20, 24, 24),
            (-195, s * 50, 16, 33, 42, 42),
            (-220, s * 60, 16, 46, 62, 62),
            (-260, s * 68, 16, 56, 82, 76),
            (-420, s * 74, 16, 62, 95, 82),
        ],
        square=True,
    )


def _chest_wall(side: int) -> Paint:
    """A lung in its pleura, and the ribs as slanting bars in the layer around it."""
    texture, bone = lobed(-850, 35, 13), np.float32(350)

    def hu(d: F, x: F, y: F, z: F) -> F:
        depth = d + np.float32(WALL_MM)
        phase = np.abs(np.mod(z - np.float32(0.45) * y + np.float32(600), np.float32(24)) - 12)
        bar = np.maximum(phase - np.float32(4.5), np.abs(depth - np.float32(6.5)) - 3)
        out = np.full_like(d, 48)
        rib = bar < 0
        out[rib] = np.where(bar[rib] > -1.3, np.float32(850), bone)
        air = np.clip(np.float32(0.5) - depth, 0, 1)
        return np.asarray(out + air * (texture(d, x, y, z) - out), dtype=np.float32)

    return Paint(grown(lung(side), WALL_MM), hu)


def trunk(person: Person) -> list[Paint]:
    """Everything below the neck, in painting order; the spine is painted later."""
    blood = 45 + 0.9 * person.contrast
    strokes = [Paint(loft(MEDIASTINUM), lobed(-20, 45, 31))]
    bone = cortical(900, 280, 2.0)
    strokes += [_chest_wall(s) for s in (-1, 1)]
    for s in (-1, 1):
        strokes += [
            Paint(tube(mirrored(s, CLAVICLE), [7, 5.5, 5, 5.5]), bone),
            Paint(ellipsoid((s * 172, 26, -172), (23, 23, 22)), cortical(1000, 250, 2.2)),
            Paint(tube([(s * 180, 24, -190), (s * 196, 20, -330)], [13, 11]), cortical(1300, 20, 4.0)),
            Paint(tube([(s * 142, 48, -152), (s * 160, 38, -150)], [6, 7], (1, 1.6, 0.8)), bone),
            Paint(tube(mirrored(s, SCAPULA), [7, 4, 3.5], (1.0, 1, 2.2)), bone),
            Paint(tube([(s * 24, -14, -178), (s * 60, -10, -172), (s * 110, 0, -190)], 5.5), blood),
            Paint(tube([(s * 16, -10, -178), (s * 10, -20, -230)], 6), blood),
        ]
    strokes += [
        Paint(tube([(8, -40, -250), (0, -22, -245), (22, 20, -262), (24, 34, -400)], 13), blood),
        Paint(
            tube([(0, -66, -184), (0, -80, -240), (0, -92, -320)], [7, 8, 8], (2.8, 1, 1)),
            cortical(700, 200, 1.5),
        ),
        Paint(ellipsoid((8, -28, -340), (52, 45, 70)), blood),
    ]
    return strokes
