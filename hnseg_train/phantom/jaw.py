"""Mandible, teeth, masseters and jaw joints."""

import numpy as np

from hnseg_train.phantom.anatomy import JOINT, JOINT_RADII
from hnseg_train.phantom.canvas import Paint, cortical, sheathed, spongy
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, Shape, common, ellipsoid, mirrored, tube, union, where

ENAMEL = cortical(2300, 1500, 1.3)
FILLING_HU = 12000.0
ARCH = ((3, -110.5), (9, -108.5), (15, -104.5), (20, -99), (25, -92), (29, -84), (33, -76), (36.5, -67.5))
"""Places (x, y) of one side's teeth, front to back, mm."""


BODY = ((46, -47, -64), (39, -71, -71), (27, -96, -76), (12, -110, -78.5), (-2, -112.5, -79))
"""Centre line of the mandible's body, from the angle past the symphysis."""


def condyle(side: int) -> Shape:
    """Neck and head of the mandible."""
    return union(
        tube(mirrored(side, ((50.5, -29, -28), (51.5, -23.5, -14))), [4.2, 4.0]),
        ellipsoid((side * 51.5, -23, -12.2), (9.0, 4.6, 4.6)),
    )


def half_jaw(side: int, person: Person) -> Shape:
    """One half of the lower jaw, reaching a little past the symphysis."""
    j = person.jaw
    body = tube(
        mirrored(side, BODY),
        [5.2 * j, 6.0 * j, 5.9 * j, 5.7 * j, 5.7 * j],
        (1, 1, 2.4),
    )
    ramus = tube(mirrored(side, ((46.5, -43, -61), (50, -38, -26))), [5.1 * j, 4.1 * j], (1, 3.4, 1))
    coronoid = tube(mirrored(side, ((49.5, -49, -28), (49, -54, -12))), [3.4, 1.8], (1, 1.8, 1))
    return union(body, ramus, condyle(side), coronoid)


def _beside(side: int) -> Shape:
    """Everything on one side of the midline."""
    return where(lambda x, y, z: np.float32(-side) * x, (-80, -140, -120), (80, 0, 10))


def _teeth(rng: np.random.Generator, person: Person) -> list[Paint]:
    filled = set(rng.choice(32, size=person.fillings, replace=False).tolist()) if person.fillings else set()
    missing = rng.random(32) < 0.06
    up = person.mouth_open * 0.5
    strokes: list[Paint] = []
    for side in (-1, 1):
        arch = [(side * x * 0.96, y + 5, -36.0) for x, y in ARCH]
        strokes.append(Paint(tube(arch, 5.4, (1, 1, 2.0)), cortical(1100, 550)))
    for number in range(32):
        side, upper, place = (1 if number % 2 else -1), number >= 16, (number // 2) % 8
        if missing[number] and number not in filled:
            continue
        x, y = ARCH[place]
        size = 3.0 if place < 3 else 3.5 if place < 5 else 4.5
        if upper:
            x, y = x * 0.98, y + 2
            crown, root = (-53.5 + up * 0.3, -47.0), (-47.0, -37.0)
        else:
            crown, root = (-64.0 + 0.06 * (y + 112), -57.5), (-76.0, -64.0)
        strokes += [
            Paint(tube([(side * x, y, root[0]), (side * x, y, root[1])], size * 0.6), 1500, None),
            Paint(tube([(side * x, y, crown[0]), (side * x, y, crown[1])], size), ENAMEL),
        ]
        if number in filled:
            filling = ellipsoid((side * x, y, sum(crown) / 2), (size * 0.8, size * 0.8, 4))
            strokes.append(Paint(filling, FILLING_HU, None))
    return strokes


def _fossa_roof(x: F, y: F, z: F) -> F:
    """Above the arched roof of the joint's fossa."""
    return np.asarray(np.float32(-7.2) - z - np.float32(0.09) * (y + 23) ** 2 / 4, dtype=np.float32)


def jaw(rng: np.random.Generator, person: Person) -> list[Paint]:
    """Masseters, both halves of the mandible, teeth, and the joints with their capsules."""
    strokes = []
    for side in (1, -1):
        masseter = tube(mirrored(side, ((61, -58, -8), (54.5, -48, -68))), [5.0, 5.4], (1, 2.9, 1))
        strokes.append(sheathed(masseter, 55))
    bone = spongy(
        float(rng.uniform(1350, 1850)),
        float(rng.uniform(100, 520)),
        float(rng.uniform(60, 200)),
        float(rng.uniform(6, 11)),
        float(rng.uniform(0.9, 1.8)),
    )
    halves = {side: half_jaw(side, person) for side in (1, -1)}
    # In grown-ups the halves are one bone: only the labels end at the symphysis.
    strokes.append(Paint(union(*halves.values()), bone))
    for side, half in halves.items():
        strokes.append(Paint(common(half, _beside(side)), None, 21 if side > 0 else 22))
    strokes += _teeth(rng, person)
    for side in (1, -1):
        dx, dy, dz = rng.normal(0, 0.3, 3)
        centre = (side * JOINT[0] + dx, JOINT[1] + dy, JOINT[2] + dz)
        capsule = ellipsoid(centre, JOINT_RADII)
        strokes += [
            Paint(capsule, 55, 18 if side > 0 else 19),
            Paint(common(capsule, where(_fossa_roof, (-70, -40, -12), (70, -8, 0))), 950, None),
            Paint(condyle(side), spongy(1250, 560, 120, 6, 1.6), None),
        ]
    return strokes
