"""Throat: airway, soft palate, larynx, hyoid, thyroid, oesophagus; vessels of the neck."""

import numpy as np

from hnseg_train.phantom.canvas import Paint, cortical, lobed
from hnseg_train.phantom.loft import loft
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import Shape, ellipsoid, grown, mirrored, tube
from hnseg_train.phantom.skull import AIR_HU
from hnseg_train.phantom.spine import cord_y

LUMEN = (
    (-14, 0, -45, 10, 8, 8),
    (-24, 0, -43, 11, 9, 8),
    (-36, 0, -41, 11, 6, 6),
    (-52, 0, -40, 11, 4.5, 5),
    (-70, 0, -39, 12, 5.5, 6),
    (-88, 0, -40, 12, 6, 6),
    (-98, 0, -42, 9, 8, 7),
    (-108, 0, -45, 4.5, 10, 8),
    (-114, 0, -44, 3.0, 9, 8),
    (-122, 0, -42, 7.5, 8, 8),
    (-140, 0, -36, 8.5, 8, 8),
    (-165, 0, -22, 8.5, 8, 7),
    (-200, 0, -4, 8.5, 8, 7),
    (-250, 0, 12, 9, 8, 7),
    (-330, 0, 22, 9, 8, 7),
)
"""Rows of a loft: z, x, y, half width, half depth in front and behind."""
OESOPHAGUS = ((0, -36, -118), (0, -22, -145), (0, -2, -180), (0, 20, -240), (0, 36, -330))
HYOID = ((-19, -40, -90), (-14, -60, -92), (0, -67, -93), (14, -60, -92), (19, -40, -90))
THYROID_CARTILAGE = ((-19, -38, -108), (-13, -54, -108), (0, -66, -107), (13, -54, -108), (19, -38, -108))
CAROTID = ((23, -22, -30), (26, -24, -60), (28, -27, -90), (24, -28, -130), (18, -14, -175))
JUGULAR = ((28, -14, -32), (32, -18, -62), (36, -22, -95), (33, -24, -135), (26, -12, -180))
VERTEBRAL = tuple(
    (x, cord_y(at) + v, z) for x, at, v, z in ((15, -62, -9, -58), (25, -70, -10, -80), (25, -140, -11, -140))
)


def airway() -> Shape:
    """The lumen from the nasopharynx to the carina."""
    return loft(LUMEN)


def throat(rng: np.random.Generator, person: Person) -> list[Paint]:
    """Airway with its walls, soft palate, hyoid, laryngeal cartilages, thyroid gland and oesophagus."""
    cartilage = float(rng.uniform(120, 450))
    lumen = airway()
    strokes = [
        Paint(grown(lumen, 4.5), lobed(45, 6, 12)),
        Paint(tube(OESOPHAGUS, 6.5, (1.3, 1, 1)), 40),
        Paint(tube(HYOID, 2.3), cortical(800, 400)),
        Paint(tube(THYROID_CARTILAGE, 2.2, (1, 1, 3.8)), cartilage),
        Paint(ellipsoid((0, -43, -124), (12.5, 13, 5)), cartilage * 0.9),
    ]
    thyroid = lobed(105 + 0.6 * person.contrast, 8, 9)
    strokes += [Paint(ellipsoid((side * 16, -40, -134), (8, 9, 19)), thyroid) for side in (-1, 1)]
    strokes += [
        Paint(tube([(0, -56, -37), (0, -48, -46), (0, -47, -54)], [4, 4, 3], (3, 1, 1)), 45),
        Paint(lumen, AIR_HU),
        Paint(tube([(0, -58, -84), (0, -50, -76)], [3, 1.6], (4, 1, 1)), 50),
        Paint(ellipsoid((0, -74, -38.6), (14, 20, 1.6 + 0.25 * person.mouth_open)), AIR_HU, edge=1.5),
    ]
    return strokes


def vessels(person: Person) -> list[Paint]:
    """Carotid and vertebral arteries, jugular veins."""
    blood = 45 + person.contrast
    strokes: list[Paint] = []
    for side in (-1, 1):
        strokes += [
            Paint(tube(mirrored(side, CAROTID), 3.3), blood),
            Paint(tube(mirrored(side, JUGULAR), 5.2), 0.9 * blood),
            Paint(tube(mirrored(side, VERTEBRAL), 1.9), blood),
        ]
    return strokes
