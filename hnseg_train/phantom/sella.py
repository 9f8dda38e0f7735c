"""The suprasellar cistern with the chiasm, the pituitary fossa with its gland between the carotids."""

import numpy as np

from hnseg_train.phantom.anatomy import CHIASM, CHIASM_RADII, PITUITARY, PITUITARY_RADII
from hnseg_train.phantom.canvas import Material, Paint
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, box, common, ellipsoid, grown, mirrored, tube, union, where

CSF_HU = 7.0
SIPHON = ((11.5, -24, 3), (12.5, -38, 8), (11.5, -35, 13.5))
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
    dz = rng.normal(0, 0.5)
    cistern = union(ellipsoid((0, -31.5, 20.5), (15, 10, 8)), ellipsoid((0, -22, 17), (9, 8, 8)))
    strokes = [Paint(cistern, CSF_HU)]
    for side in (-1, 1):
        strokes += [
            Paint(ellipsoid((side * 12, -32, 10), (5.5, 9, 6)), 36 + 0.4 * person.contrast),
            Paint(tube(mirrored(side, SIPHON), 2.4), 48 + person.contrast),
            Paint(ellipsoid((side * 11, -41, 15.0), (2.6, 3.4, 2.2)), 900),
            Paint(ellipsoid((side * 7, -23.5, 13), (2.2, 1.8, 2.2)), 800),
        ]
    x, y, z = PITUITARY
    gland = ellipsoid((x, y, z + 0.3 * dz), PITUITARY_RADII)
    floor = common(grown(gland, 2.0), where(lambda x, y, z: z - 8, (-12, -42, 0), (12, -20, 8)))
    # Dura and veins keep the walls' density out of the gland, whose rim a slice's thickness would reach.
    strokes += [
        Paint(box((0, -23.6, 8), (8, 1.4, 6.0), 1.2), 800),
        Paint(floor, 500),
        Paint(grown(gland, 1.2), 26),
        Paint(gland, _gland(rng, person, z + PITUITARY_RADII[2]), 11),
        Paint(tube([(0, -31, 14), (0, -31, 18)], 0.9), 50, None),
    ]
    arms = [
        tube([(side * x, y, z + dz) for x, y, z in CHIASM], CHIASM_RADII, (1, 1, 1.18)) for side in (-1, 1)
    ]
    strokes.append(Paint(union(*arms), 17 + person.brain_hu + float(rng.normal(0, 4)), 8))
    return strokes
