"""Temporal bone: petrous pyramid, mastoid air cells, ear canal, tympanic cavity, labyrinth."""

import numpy as np

from hnseg_train.phantom.anatomy import CLEFT, CLEFT_RADII, LABYRINTH, LABYRINTH_RADII
from hnseg_train.phantom.canvas import Material, Paint, cells, spongy
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, common, ellipsoid, grown, tube, union, where
from hnseg_train.phantom.skull import AIR_HU

MUCOSA_HU = 30.0
WET_EARS = 0.2
"""Share of ears with some fluid: common in patients with tumours about the Eustachian tube."""


def _outside_drum(x: F, y: F, z: F) -> F:
    return np.asarray(49.5 - np.abs(x), dtype=np.float32)


def _pneumatised(air: float, filled: float, period: float) -> Material:
    """Mastoid bone with air cells ``period`` mm apart, more of them with more ``air`` (-0.5 to 0.5)."""
    rim, wall = np.float32(2.1 - 1.2 * air), np.float32(0.38 - 0.35 * air)

    def hu(d: F, x: F, y: F, z: F) -> F:
        cell = np.clip((np.abs(cells(x, y, z, period)) - wall) * 3.5, 0, 1)
        cell *= np.clip((-d - rim) * np.float32(0.8), 0, 1)
        return np.asarray(np.float32(950) + cell * np.float32(filled - 950), dtype=np.float32)

    return hu


def _tympanic(mucosa: float, level: float) -> Material:
    """Bony wall with ridges, lining of ``mucosa`` mm, air; fluid behind the coronal plane y = ``level``.

    Contours follow the outer side of the wall, and slices of 3 mm blur it: air is the smaller part of them.
    """

    def hu(d: F, x: F, y: F, z: F) -> F:
        ridge = np.float32(0.2) + np.float32(1.0) * np.clip(cells(x, y, z, 7.5), 0, 1)
        bone = np.clip(d + ridge + np.float32(0.5), 0, 1)
        lumen = np.clip(np.float32(0.5) - d - ridge - np.float32(mucosa), 0, 1)
        lumen *= np.clip(np.float32(level) - y, 0, 1)
        soft = np.float32(MUCOSA_HU) + lumen * np.float32(AIR_HU - MUCOSA_HU)
        return np.asarray(soft + bone * (np.float32(1500) - soft), dtype=np.float32)

    return hu


def ear(side: int, rng: np.random.Generator, person: Person) -> list[Paint]:
    """One temporal bone, in painting order."""
    dx, dy, dz = rng.normal(0, 0.7, 3)
    air = person.mastoid_air + rng.normal(0, 0.1)
    wet = rng.random() < WET_EARS
    level = float(rng.uniform(-22, -4)) if wet else 30.0
    filled = MUCOSA_HU if wet and rng.random() < 0.6 else -850.0
    petrous = spongy(1250, float(rng.uniform(400, 850)), 130, 9, 1.8)

    def at(x: float, y: float, z: float) -> tuple[float, float, float]:
        return side * (x + dx), y + dy, z + dz

    pyramid = tube([at(57, 8, -8), at(38, -6, -3), at(15, -18, -1)], [12.2, 11.2, 6.8], (1, 1, 1.0))
    mastoid = union(ellipsoid(at(55, 14, -23), (11.5, 15, 19)), ellipsoid(at(51, 7, -8), (10, 12.5, 10)))
    labyrinth = ellipsoid(at(*LABYRINTH), LABYRINTH_RADII)
    cleft = tube([at(*point) for point in CLEFT], CLEFT_RADII)
    lateral = where(_outside_drum, (-95, -30, -30), (95, 30, 15))
    return [
        Paint(pyramid, petrous),
        Paint(mastoid, _pneumatised(air, filled, float(rng.uniform(7, 11)))),
        Paint(ellipsoid(at(51, -20, -3.2), (13, 12, 4.2)), spongy(1150, 600, 150, 8)),
        Paint(tube([at(46, -8, -9), at(63, -6, -8)], 6.0), 900, edge=1.5),
        Paint(common(tube([at(49, -8, -9), at(92, -1, -7)], 3.6), lateral), AIR_HU),
        Paint(grown(cleft, 1.2), 1000),
        Paint(cleft, _tympanic(float(rng.uniform(0.1, 0.7)), level), 16 if side > 0 else 17),
        # hammer, anvil and stirrup
        Paint(tube([at(46, -6, -2.5), at(44.5, -8.5, -7)], 1.3), 1300, None),
        Paint(tube([at(45.5, -5, -4), at(40.5, -7, -4)], 0.9), 900, None),
        # the labyrinth's dense capsule, and its fluid: cochlea, vestibule, two semicircular canals
        Paint(grown(labyrinth, 0.8), 1500),
        Paint(labyrinth, spongy(1580, 1580, 500, 5), 14 if side > 0 else 15),
        Paint(ellipsoid(at(29.3, -11.8, -4.0), (3.0, 2.4, 2.1)), 250, None),
        Paint(ellipsoid(at(34.2, -8.6, -3.0), (2.8, 2.3, 2.2)), 60, None),
        Paint(tube([at(36, -8, -2.8), at(40.8, -6.5, -3.2), at(37, -5.6, -2.2)], 0.9), 150, None),
        Paint(tube([at(35, -8.6, -1.5), at(36.4, -8, 0.2), at(37.4, -5.6, -1.4)], 0.8), 150, None),
        Paint(tube([at(13, -2, -2), at(27.2, -8.2, -2.6)], [3.4, 2.4]), 12, None),
    ]
