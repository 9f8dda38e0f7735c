"""A small labelled head, its organs, and grids for tests of the variation."""

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Geometry, Volume
from hnseg_train.recipes import STRUCTSEG

VALUES = {name: value for value, name in STRUCTSEG}

ROWS = (
    ("brain_stem", (34, 40, 32), (6, 3, 3), 40),
    ("eye_left", (40, 18, 40), (3, 3, 3), 10),
    ("eye_right", (40, 18, 24), (3, 3, 3), 10),
    ("mandible_left", (18, 18, 38), (3, 5, 3), 900),
    ("mandible_right", (18, 18, 26), (3, 5, 3), 900),
    ("spinal_cord", (10, 44, 32), (11, 2, 2), 30),
)
"""Organ, centre and half axes (z, y, x) in voxels, HU."""


def grid(shape: tuple[int, int, int], spacing_xyz: tuple[float, float, float]) -> Geometry:
    """A canonical grid whose first voxel lies at 0."""
    return Geometry(shape, spacing_xyz, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def ellipsoid(
    shape: tuple[int, ...], centre: tuple[float, ...], radii: tuple[float, ...]
) -> NDArray[np.bool_]:
    """Voxels of a shape whose index is no more than ``radii`` from a centre."""
    index = np.indices(shape, dtype=np.float64)
    terms = [((axis - at) / radius) ** 2 for axis, at, radius in zip(index, centre, radii, strict=True)]
    inside: NDArray[np.bool_] = sum(terms) <= 1
    return inside


def varied_head() -> tuple[Volume, NDArray[np.uint8]]:
    """A head on a neck on a couch, 48 x 72 x 64 voxels of 3.5 x 4 x 4 mm: six organs, two teeth.

    The only ear is on the left.
    """
    shape = (48, 72, 64)
    hu = np.full(shape, -1000.0, np.float32)
    hu[:, 62:64, 6:58] = -400
    hu[ellipsoid(shape, (0, 40, 32), (24, 14, 14))] = 40
    hu[ellipsoid(shape, (30, 34, 32), (16, 24, 19))] = 40
    hu[ellipsoid(shape, (34, 38, 52), (3, 2, 3))] = 0
    labels = np.zeros(shape, np.uint8)
    for name, centre, radii, value in ROWS:
        inside = ellipsoid(shape, centre, radii)
        hu[inside], labels[inside] = value, VALUES[name]
    hu[20:22, 15:17, 36:38] = hu[20:22, 15:17, 26:28] = 2200
    return Volume(hu, grid(shape, (4.0, 4.0, 3.5))), labels
