"""Parotid and submandibular glands."""

import numpy as np

from hnseg_train.phantom.anatomy import PAROTID_DEEP, PAROTID_SUPERFICIAL
from hnseg_train.phantom.canvas import Paint, lobed, sheathed
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import ellipsoid, grown, mirrored, tube, union


def glands(rng: np.random.Generator, person: Person) -> list[Paint]:
    """The glands and the vein inside the parotid; bones and muscles are painted over their edges."""
    strokes = []
    k = person.parotid_size
    for side in (1, -1):
        grow = k * float(np.clip(rng.normal(1, 0.03), 0.93, 1.07))
        lobes = [
            ellipsoid((side * x, y, z), [radius * grow for radius in radii])
            for (x, y, z), radii in (PAROTID_SUPERFICIAL, PAROTID_DEEP)
        ]
        body = union(*lobes)
        hu = person.parotid_hu + float(rng.normal(0, 3))
        strokes += [
            Paint(grown(body, 1.6), -92),
            Paint(body, lobed(hu, 11, 8), 12 if side > 0 else 13),
            sheathed(ellipsoid((side * 32, -49, -83), (9.5, 12.5, 17)), 30 + 0.2 * person.contrast),
            Paint(tube(mirrored(side, ((49, -24, -30), (50, -20, -60))), 2.8), 45 + person.contrast, None),
        ]
    return strokes
