"""The inside of the skull: the rooms of cerebrum, temporal lobes, cerebellum and brain stem."""

import numpy as np

from hnseg_train.phantom.anatomy import STEM
from hnseg_train.phantom.loft import loft
from hnseg_train.phantom.shapes import (
    F,
    Shape,
    box,
    common,
    ellipsoid,
    grown,
    minus,
    rotation,
    union,
    where,
)


def frontal_floor(x: F, y: F) -> F:
    """Height of the anterior cranial fossa's floor, behind it of the sella's roof and the clivus, mm.

    Low over the ethmoid in the middle, high over the orbits.
    """
    behind = np.where(y > -20, 14.0, 21.5)
    slope = 0.25 + 0.37 * np.clip((np.abs(x) - 9) / 12, 0, 1)
    return np.asarray(np.where(y > -38, behind, 25.0 + slope * (-38.0 - y)), dtype=np.float32)


def tentorium(x: F, y: F) -> F:
    """Height of the tentorium, mm."""
    return np.asarray(9.5 + 0.12 * (y - 10) + 0.3 * np.maximum(45 - np.abs(x), 0), dtype=np.float32)


def stem() -> Shape:
    """The brain stem, from the third ventricle's floor to the foramen magnum."""
    return loft(STEM)


def cerebrum() -> Shape:
    """The room of the cerebrum, down to the skull base."""
    return ellipsoid((0, 1, 39.5), (66, 80.5, 69), rotation(pitch=-11))


def posterior_fossa() -> Shape:
    """The room of the cerebellum and what lies over it."""
    return ellipsoid((0, 33, 8), (57, 43, 46))


def cavity() -> Shape:
    """The whole: cerebrum above the floor, middle fossae, posterior fossa and basal cisterns."""
    low, high = (-70, -80, 8), (70, 85, 112)
    above = where(lambda x, y, z: (frontal_floor(x, y) - z) * np.float32(0.85), low, high)
    sella = box((0, -61.5, 0), (13.5, 40, 19.5), 1)
    middle = [minus(ellipsoid((side * 37.5, -11, 19), (27.5, 40, 23)), sella) for side in (-1, 1)]
    return union(common(cerebrum(), above), *middle, posterior_fossa(), grown(stem(), 4.5))
