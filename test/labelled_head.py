"""A patient made of ellipsoids: a head on a neck in HU, with StructSeg's 22 organs in their places.

Positions are millimetres from the brain stem's centre, x towards the patient's left, y back, z up.
"""

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.organ_names import STRUCTSEG_NAMES
from hnseg_infer.volume import Geometry, Volume

SHAPE = (60, 288, 288)
SPACING_XYZ = (1.3, 1.3, 4.0)
STEM_ZYX = (28, 144, 143)

Triple = tuple[float, float, float]

BODY: tuple[tuple[Triple, Triple, int], ...] = (
    ((0, 0, -100), (60, 60, 90), 40),
    ((0, -15, 0), (85, 105, 110), 40),
    ((0, 0, 40), (75, 92, 70), 900),
    ((0, 0, 40), (68, 85, 63), 35),
)

ORGANS: dict[str, tuple[Triple, Triple, int]] = {
    "temporal_lobe_left": ((46, -3, 24), (22, 45, 24), 35),
    "mandible_left": ((35, -70, -55), (10, 35, 22), 800),
    "parotid_left": ((59, -26, -41), (14, 20, 24), -20),
    "brain_stem": ((0, 0, 0), (16, 14, 29), 35),
    "eye_left": ((31, -84, 22), (12.5, 12.5, 12.5), 15),
    "spinal_cord": ((0, 15, -75), (6, 6, 45), 30),
    "tmj_left": ((51, -24, -13), (10, 7, 9), 300),
    "middle_ear_left": ((46, -8, -8), (8, 6, 8), -400),
    "optic_chiasm": ((0, -32, 19), (9, 6, 4.5), 30),
    "optic_nerve_left": ((21, -58, 19), (4, 13, 4.5), 35),
    "inner_ear_left": ((34, -8, -6), (7, 4, 5), 1200),
    "pituitary": ((0, -31, 6), (5, 5, 5), 60),
    "lens_left": ((31, -93, 22), (4, 3, 4.5), 70),
}
"""Centre, half axes and HU, large before small; organs of the left have their mirror image on the right."""

_IDS = {name: value for value, name in STRUCTSEG_NAMES.items()}


def labelled_head() -> tuple[Volume, Volume]:
    """CT (int16) and labels (uint8) ``[z, y, x]`` on one canonical grid of 4 x 1.3 x 1.3 mm."""
    hu = np.full(SHAPE, -1000, dtype=np.int16)
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for center, radii, value in BODY:
        hu[ellipsoid(center, radii)] = value
    for name, (center, radii, value) in ORGANS.items():
        x, y, z = center
        sides = ((name, x), (name.replace("_left", "_right"), -x)) if x else ((name, x),)
        for sided, place in sides:
            inside = ellipsoid((place, y, z), radii)
            hu[inside] = value
            labels[inside] = _IDS[sided]
    geometry = Geometry(SHAPE, SPACING_XYZ, (-165.1, -165.1, -112.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    return Volume(hu, geometry), Volume(labels, geometry)


def ellipsoid(center_xyz: Triple, radii_xyz: Triple) -> NDArray[np.bool_]:
    """Mask ``[z, y, x]`` of the voxels in an ellipsoid."""
    squared = np.zeros(SHAPE)
    for axis, (center, radius) in enumerate(zip(center_xyz[::-1], radii_xyz[::-1], strict=True)):
        along = (np.arange(SHAPE[axis]) - STEM_ZYX[axis]) * SPACING_XYZ[2 - axis] - center
        squared = squared + np.expand_dims(
            (along / radius) ** 2, [other for other in range(3) if other != axis]
        )
    inside: NDArray[np.bool_] = squared <= 1.0
    return inside
