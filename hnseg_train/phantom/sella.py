"""The suprasellar cistern with the chiasm, the pituitary fossa with its gland between the carotids."""

from collections.abc import Sequence

import numpy as np

from hnseg_train.phantom.anatomy import CHIASM, CHIASM_RADII, PITUITARY, PITUITARY_RADII
from hnseg_train.phantom.canvas import Material, Paint
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, Point, box, common, ellipsoid, grown, mirrored, tube, union, where

CSF_HU = 7.0
SIPHON = ((11.5, -23, 9), (12.5, -35, 15), (11.5, -31.5, 20))
"""The carotid's bend beside the pituitary."""


def _gland(rng: np.random.Generator, person: Person, top: float) -> Material:
    """Gland with cerebrospinal fluid on it, as in the sellae of many older patients, down from ``top``."""
    gland = float(np.clip(np.exp(rng.normal(np.log(22), 0.45)) + 0.12 * person.contrast, 9, 75))
    empty = float(rng.uniform(0.5, 4.5)) if rng.random() < 0.5 else 0.0

    def hu(d: F, x: F, y: F, z: F) -> F:
        fluid = np.clip(z - np.float32(top - empty), 0, 1)
        return np.asarray(gland + fluid * np.float32(CSF_HU - gland), dtype=np.float32)

    return hu


def sella(rng: np.random.Generator, person: Person) -> list[Paint]:
    """Suprasellar cistern with the chiasm, pituitary fossa with the gland between the carotids."""
    back, up = person.sella
    dy, dz = back + person.chiasm[0], up + person.chiasm[1]

    def at(point: Sequence[float]) -> Point:
        return point[0], point[1] + back, point[2] + up

    _, gland_y, gland_z = at(PITUITARY)
    cistern = union(ellipsoid((0, -25 + dy, 24.5 + dz), (15, 10, 7)), ellipsoid(at((0, -18, 23)), (9, 8, 7)))
    strokes = [Paint(cistern, person.cistern_hu)]
    for side in (-1, 1):
        tip = at((side * 12.8, -40 + 9 * person.clinoid, 21.5))
        strokes += [
            Paint(ellipsoid(at((side * 12, -28.7, 17)), (5.5, 9, 6)), 36 + 0.4 * person.contrast),
            Paint(tube([at(point) for point in mirrored(side, SIPHON)], 2.4), 48 + person.contrast),
            Paint(tube([(side * 18.5, -43, 22.5), tip], [3.6, 2.0]), 950),
            Paint(ellipsoid(at((side * 7, -20.5, 20)), (2.2, 1.8, 2.2)), 800),
        ]
    gland = ellipsoid((0, gland_y, gland_z), PITUITARY_RADII)
    low, high = (-12, gland_y - 11, gland_z - 10), (12, gland_y + 11, gland_z - 2.2)
    floor = common(grown(gland, 2.0), where(lambda x, y, z: z - np.float32(high[2]), low, high))
    # Dura and veins keep the walls' density out of the gland, whose rim a slice's thickness would reach.
    strokes += [
        Paint(box(at((0, -20.4, 15)), (8, 1.4, 6.0), 1.2), 800),
        Paint(floor, 500),
        Paint(grown(gland, 1.2), 26),
        Paint(gland, _gland(rng, person, gland_z + PITUITARY_RADII[2]), 11),
        Paint(tube([at((0, -26.7, 20.8)), (0, -25 + dy, 24 + dz)], 0.9), 50, None),
    ]
    arms = [
        tube([(side * x, y + dy, z + dz) for x, y, z in CHIASM], CHIASM_RADII, (1, 1, 1.18))
        for side in (-1, 1)
    ]
    strokes.append(Paint(union(*arms), 17 + person.brain_hu + float(rng.normal(0, 4)), 8))
    return strokes
