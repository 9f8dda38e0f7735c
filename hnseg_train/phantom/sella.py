"""The suprasellar cistern with the chiasm, the pituitary fossa with its gland between the carotids."""

import numpy as np

from hnseg_train.phantom.anatomy import CHIASM, CHIASM_RADII, PITUITARY, PITUITARY_RADII
from hnseg_train.phantom.canvas import Paint
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import box, ellipsoid, mirrored, tube, union

CSF_HU = 7.0
SIPHON = ((11, -24, 3), (12, -38, 8), (11, -34, 15))
"""The carotid's bend beside the pituitary."""


def sella(rng: np.random.Generator, person: Person) -> list[Paint]:
    """Suprasellar cistern with the chiasm, pituitary fossa with the gland between the carotids."""
    dz = rng.normal(0, 0.5)
    gland = 62 + 0.5 * person.contrast
    cistern = union(ellipsoid((0, -31.5, 20.5), (15, 10, 8)), ellipsoid((0, -22, 17), (9, 8, 8)))
    strokes = [Paint(cistern, CSF_HU)]
    for side in (-1, 1):
        strokes += [
            Paint(ellipsoid((side * 12, -32, 10), (5.5, 9, 6)), 36 + 0.4 * person.contrast),
            Paint(tube(mirrored(side, SIPHON), 2.4), 48 + person.contrast),
            Paint(ellipsoid((side * 9.5, -40, 16.5), (2.6, 3.2, 2.6)), 900),
            Paint(ellipsoid((side * 7, -24.5, 14), (2.4, 2.2, 2.6)), 800),
        ]
    x, y, z = PITUITARY
    strokes += [
        Paint(box((0, -24.6, 9), (8, 1.6, 6.0), 1.2), 800),
        Paint(ellipsoid((x, y, z + 0.3 * dz), PITUITARY_RADII), gland, 11),
        Paint(tube([(0, -31, 14), (0, -31, 18)], 0.9), 50, None),
    ]
    arms = [
        tube([(side * x, y, z + dz) for x, y, z in CHIASM], CHIASM_RADII, (1, 1, 1.18)) for side in (-1, 1)
    ]
    strokes.append(Paint(union(*arms), 36 + person.brain_hu, 8))
    return strokes
