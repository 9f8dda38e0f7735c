"""Parotid and submandibular glands."""

import numpy as np

from hnseg_train.phantom.anatomy import PAROTID_DEEP, PAROTID_SUPERFICIAL
from hnseg_train.phantom.canvas import Material, Paint, cells, sheathed
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, ellipsoid, grown, mirrored, tube, union


def _fatty(mean: float, swing: float, period: float) -> Material:
    """Lobules of gland, ``period`` mm apart, with fat between them; ``swing`` HU is about their spread."""

    def hu(d: F, x: F, y: F, z: F) -> F:
        coarse, fine = cells(x, y, z, period), cells(z, x, y, 0.45 * period)
        return np.asarray(mean + np.float32(swing) * (coarse + np.float32(0.5) * fine), dtype=np.float32)

    return hu


def glands(rng: np.random.Generator, person: Person) -> list[Paint]:
    """The glands and the vein inside the parotid; bones and muscles are painted over their edges."""
    strokes = []
    k = person.parotid_size
    swing, period = float(rng.uniform(8, 34)), float(rng.uniform(7, 13))
    for side in (1, -1):
        dx, dy, dz = np.clip(rng.normal(0, 1, 3), -1.8, 1.8) * (1.2, 3.0, 3.5)
        grow = k * float(np.clip(rng.normal(1, 0.03), 0.93, 1.07))
        lobes = [
            ellipsoid((side * (x + dx), y + dy, z + dz), [radius * grow for radius in radii])
            for (x, y, z), radii in (PAROTID_SUPERFICIAL, PAROTID_DEEP)
        ]
        body = union(*lobes)
        hu = person.parotid_hu + float(rng.normal(0, 3))
        strokes += [
            Paint(grown(body, 1.6), -92),
            Paint(body, _fatty(hu, swing, period), 12 if side > 0 else 13),
            sheathed(ellipsoid((side * 32, -49, -83), (9.5, 12.5, 17)), 30 + 0.2 * person.contrast),
            Paint(tube(mirrored(side, ((49, -24, -30), (50, -20, -60))), 2.8), 45 + person.contrast, None),
        ]
    return strokes
