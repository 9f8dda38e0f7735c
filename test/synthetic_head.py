"""A coarse head in HU: skin, skull, brain, eyes and a nose, lopsided so that no two directions look alike."""

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Geometry, Volume

SHAPE = (30, 56, 48)
SPACING_XYZ = (4.0, 4.0, 5.0)


def head_array(seed: int = 0) -> NDArray[np.int16]:
    """HU ``[z, y, x]`` towards superior, posterior, left; 5 x 4 x 4 mm voxels."""
    z, y, x = (
        (np.arange(size) - (size - 1) / 2).reshape([-1 if axis == at else 1 for at in range(3)]) * step
        for axis, (size, step) in enumerate(zip(SHAPE, SPACING_XYZ[::-1], strict=True))
    )
    rng = np.random.default_rng(seed)
    hu = np.full(SHAPE, -1000.0)
    radius = np.sqrt((z / 65) ** 2 + (y / 90) ** 2 + (x / 72) ** 2)
    hu[radius < 1.0] = 40.0
    hu[radius < 0.93] = 900.0
    hu[radius < 0.80] = 35.0
    for center, size, value in (
        ((0.0, -70.0, 30.0), 14.0, 10.0),
        ((5.0, -70.0, -32.0), 12.0, 10.0),
        ((-5.0, 10.0, 3.0), 18.0, 60.0),
        ((20.0, 5.0, 40.0), 15.0, 25.0),
        ((-10.0, -92.0, 2.0), 10.0, -50.0),
    ):
        away = np.sqrt((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2)
        hu[away < size] = value
    return np.maximum(hu + rng.normal(0.0, 10.0, SHAPE), -1024).round().astype(np.int16)


def head_ct(seed: int = 0) -> Volume:
    """The head on a canonical grid whose origin is not zero."""
    geometry = Geometry(SHAPE, SPACING_XYZ, (-95.5, -120.25, 33.0), (1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    return Volume(head_array(seed), geometry)
