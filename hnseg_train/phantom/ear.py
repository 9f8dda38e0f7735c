"""Temporal bone: petrous pyramid, mastoid air cells, ear canal, tympanic cavity, labyrinth."""

import numpy as np

from hnseg_train.phantom.anatomy import CLEFT, CLEFT_RADII, LABYRINTH, LABYRINTH_RADII
from hnseg_train.phantom.canvas import Paint, cells, cortical
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, common, ellipsoid, grown, tube, where
from hnseg_train.phantom.skull import AIR_HU


def _outside_drum(x: F, y: F, z: F) -> F:
    return np.asarray(49.5 - np.abs(x), dtype=np.float32)


def ear(side: int, rng: np.random.Generator, person: Person) -> list[Paint]:
    """One temporal bone, in painting order."""
    dx, dy, dz = rng.normal(0, 0.7, 3)
    air = person.mastoid_air + rng.normal(0, 0.1)

    def at(x: float, y: float, z: float) -> tuple[float, float, float]:
        return side * (x + dx), y + dy, z + dz

    def pneumatised(d: F, x: F, y: F, z: F) -> F:
        wall = np.clip((np.abs(cells(x, y, z, 11)) - np.float32(0.30)) * 5, 0, 1)
        inside = np.clip((-d - np.float32(2.4 - 1.2 * air)) * np.float32(0.8), 0, 1)
        return np.asarray(np.float32(950) - inside * wall * np.float32(1750), dtype=np.float32)

    pyramid = tube([at(57, 8, -8), at(38, -6, -3), at(15, -18, -1)], [12.2, 11.2, 6.8], (1, 1, 1.0))
    mastoid = ellipsoid(at(55, 14, -23), (11.5, 15, 19))
    labyrinth = ellipsoid(at(*LABYRINTH), LABYRINTH_RADII)
    cleft = tube([at(*point) for point in CLEFT], CLEFT_RADII)
    lateral = where(_outside_drum, (-95, -30, -30), (95, 30, 15))
    # The air ends inside the contour, as oncologists draw it on the bony wall.
    return [
        Paint(pyramid, cortical(1150, 800, 2.0)),
        Paint(mastoid, pneumatised),
        Paint(ellipsoid(at(51, -20, -3.2), (13, 12, 4.2)), cortical(1150, 600)),
        Paint(tube([at(46, -8, -9), at(63, -6, -8)], 6.0), 900, edge=1.5),
        Paint(common(tube([at(49, -8, -9), at(92, -1, -7)], 3.6), lateral), AIR_HU),
        Paint(grown(cleft, 1.2), 1000),
        Paint(cleft, 350, 16 if side > 0 else 17),
        Paint(grown(cleft, -0.9), AIR_HU, None),
        Paint(tube([at(46, -6, -2.5), at(44.5, -8.5, -7)], 1.1), 900, None),
        Paint(labyrinth, 1600, 14 if side > 0 else 15),
        Paint(ellipsoid(at(29.3, -11.8, -4.0), (2.9, 2.3, 2.0)), 350, None),
        Paint(ellipsoid(at(34.8, -8.6, -3.0), (2.4, 2.0, 2.0)), 200, None),
        Paint(tube([at(37, -7.5, -2.5), at(40.5, -7, -3.2)], 1.0), 300, None),
        Paint(tube([at(13, -2, -2), at(25.6, -7.5, -2.6)], [3.4, 2.4]), 12, None),
    ]
