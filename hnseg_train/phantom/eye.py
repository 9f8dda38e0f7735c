"""Globe, lens, optic nerve, eye muscles and lacrimal gland of one orbit."""

import numpy as np

from hnseg_train.phantom.anatomy import (
    CANAL_END,
    GLOBE_CENTRE,
    GLOBE_RADIUS,
    LENS_DEPTH,
    LENS_RADII,
    NERVE_RADII,
    ORBIT_APEX,
)
from hnseg_train.phantom.canvas import Paint
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, common, ellipsoid, grown, minus, mirrored, tube, where

RECTI = (
    (1, 0, (0.8, 1, 1.8)),
    (-1, 0, (0.8, 1, 1.8)),
    (0, 1, (1.8, 1, 0.8)),
    (0, -1, (1.8, 1, 0.8)),
)
"""The straight eye muscles: direction (x, z) from the globe's centre, and how they are flattened."""


def eye(side: int, rng: np.random.Generator, person: Person) -> list[Paint]:
    """One eye and its nerve up to the chiasm, in painting order."""
    jitter = rng.normal(0, 0.6, 3)
    radius = GLOBE_RADIUS * float(np.clip(rng.normal(1, 0.02), 0.95, 1.05))
    gaze = float(np.clip(rng.normal(0, 1.2), -3, 3))
    cx, cy, cz = (c + j for c, j in zip(mirrored(side, [GLOBE_CENTRE])[0], jitter, strict=True))
    globe = ellipsoid((cx, cy, cz), (radius, radius, radius))
    lens_at = (cx + gaze * 0.5, cy - radius + LENS_DEPTH, cz + 0.3 * gaze)
    apex, canal = mirrored(side, (ORBIT_APEX, CANAL_END))
    # Half of what the chiasm is off by; its arms bridge the rest.
    back_by, up_by = (0.5 * (a + b) for a, b in zip(person.sella, person.chiasm, strict=True))
    end = canal[0], canal[1] + back_by, canal[2] + up_by
    # Lids and conjunctiva cover the globe's front.
    strokes = [Paint(ellipsoid((cx, cy - 9, cz), (15, 7.5, 12)), 35)]
    for dx, dz, flat in RECTI:
        rim = (cx + dx * radius * 0.97, cy + 3, cz + dz * radius * 0.97)
        middle = [a + 0.6 * (c - a) for a, c in zip(apex, (cx, cy, cz), strict=True)]
        belly = (middle[0] + dx * 9.0, middle[1], middle[2] + dz * 8.5)
        strokes.append(Paint(tube([apex, belly, rim], [1.6, 2.1, 1.0], flat), 48))
    strokes.append(Paint(ellipsoid((cx + side * 12, cy + 4, cz + 9), (3.2, 6, 7)), 40))

    back = (cx - side * 3.0, cy + radius - 1.5, cz - 0.3)
    bow = (cx - side * 6.0 + rng.normal(0, 0.7), cy + radius + 9, cz - 1.8 + rng.normal(0, 0.7))
    sheath = tube([back, bow, apex, end], NERVE_RADII, (1.0, 1.0, 1.12))

    low, high = (cx - 15, cy - 15, cz - 15), (cx + 15, cy + 15, cz + 15)

    def before(x: F, y: F, z: F) -> F:
        return np.asarray(y - np.float32(cy - radius + 1.6), dtype=np.float32)

    # The canal's bone ends before the chiasm, which lies free in its cistern.
    canal_bone = [0.6 * a + 0.4 * c for a, c in zip(apex, canal, strict=True)]
    strokes += [
        Paint(tube([apex, canal_bone], 3.4), 700),
        Paint(minus(sheath, globe), 38, 6 if side > 0 else 7),
        Paint(globe, float(np.clip(rng.normal(13, 3), 6, 22)), 2 if side > 0 else 3),
        Paint(minus(globe, grown(globe, -1.3)), 45, None),
        Paint(common(grown(globe, 0.2), where(before, low, high)), 40, None),
        Paint(ellipsoid(lens_at, LENS_RADII), 80 + rng.normal(0, 7), 4 if side > 0 else 5, edge=0.6),
    ]
    return strokes
