"""The brain case, the skull base, the face's bones with their sinuses, the nose."""

import numpy as np

from hnseg_train.phantom.canvas import Paint, cells, cortical
from hnseg_train.phantom.cavity import cavity, frontal_floor
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, Shape, box, common, ellipsoid, grown, mirrored, tube, union, where

AIR_HU = -990.0
ZYGOMATIC_ARCH = ((60, -70, 0), (66, -48, -1), (62, -26, -3))


def orbit(side: int) -> Shape:
    """The orbit: a globe's room and a cone back to its apex."""
    return union(
        ellipsoid((side * 32.5, -79, 28), (18.5, 17, 17)),
        tube([(side * 31, -72, 27.5), (side * 14.5, -43, 22)], [13.5, 3.5]),
    )


def _behind_rim(side: int) -> Shape:
    """Behind the orbit's opening, which faces a little to the side."""

    def distance(x: F, y: F, z: F) -> F:
        return np.asarray((-86 + np.float32(0.4) * (side * x - 26) - y) * np.float32(0.93), dtype=np.float32)

    return where(distance, (-70, -100, 0), (70, -30, 60))


def brain_case(person: Person) -> list[Paint]:
    """Skull vault: two tables with diploe between; then the blocks of the base."""
    thick, drop = np.float32(person.skull_mm), np.float32(1350 - person.diploe_hu)
    room = cavity()
    hull = grown(room, 1.2 * person.skull_mm)

    def thickness(x: F, y: F, z: F) -> F:
        # Thin under the brain and at the temples, thinnest over orbits and ethmoid; nowhere even.
        thin = np.clip((36 - z) / 30, 0, 1) * np.clip((26 - y) / 20, 0, 1)
        roof = np.clip((8 - z + frontal_floor(x, y)) / 6, 0, 1) * np.clip((-24 - y) / 6, 0, 1)
        thin = np.maximum(thin, np.float32(1.3) * roof)
        wave = np.sin(np.float32(0.09) * x + np.float32(0.06) * y - np.float32(0.05) * z)
        return np.asarray(thick * (1 - np.float32(0.5) * thin + np.float32(0.14) * wave), dtype=np.float32)

    def distance(x: F, y: F, z: F) -> F:
        return room.distance(x, y, z) - thickness(x, y, z)

    def hu(d: F, x: F, y: F, z: F) -> F:
        depth = -d
        middle = np.minimum(depth, thickness(x, y, z) - depth)
        diploe = np.clip((middle - np.float32(1.5)), 0, 1)
        return np.asarray(np.float32(1350) - diploe * drop, dtype=np.float32)

    base = [
        Paint(tube([(0, -32, 4), (0, -22, -14), (0, -17, -30)], [8, 7, 6], (1.7, 1, 1)), cortical(1000, 450)),
        Paint(box((0, -40, 6), (17, 18, 14.5), 5), cortical(1000, 350)),
    ]
    for s in (-1, 1):
        base += [
            Paint(tube([(s * 16, -40, 22), (s * 34, -46, 25), (s * 54, -42, 32)], [2.6, 3.2, 4]), 1100),
            Paint(
                tube([(s * 52, -40, -1), (s * 30, -28, -6), (s * 18, -30, -8)], [5, 5, 6]),
                cortical(1100, 450),
            ),
            Paint(tube([(s * 17, -44, -10), (s * 17, -48, -34)], [4, 2.5], (1, 1.6, 1)), cortical(1000, 300)),
            Paint(ellipsoid((s * 18, -2, -32), (7, 11, 7)), cortical(1100, 500)),
        ]
    return [Paint(where(distance, hull.low, hull.high), hu), *base]


def _maxilla(side: int, person: Person) -> list[Paint]:
    s = side
    fluid = person.sinus_fluid[0 if side > 0 else 1]
    sinus = union(box((s * 29.5, -75, -7), (13, 16.5, 16), 10), ellipsoid((s * 27, -78, -20), (9, 13, 11)))

    def content(d: F, x: F, y: F, z: F) -> F:
        # Fluid lies at the back of a patient on the couch; mucosa lines the walls.
        wet = (y > np.float32(-58 - 34 * fluid)) & (fluid > 0)
        return np.asarray(np.where(wet | (d > -0.6), np.float32(25), np.float32(AIR_HU)))

    return [
        Paint(grown(sinus, 2.0), cortical(900, 500, 1.2)),
        Paint(tube([(s * 40, -88, 8), (s * 50, -79, 2), (s * 60, -70, 0)], [6, 7, 4.5]), cortical(1150, 450)),
        Paint(tube(mirrored(s, ZYGOMATIC_ARCH), [4, 3, 3.6], (0.8, 1, 1.3)), cortical(1150, 500)),
        Paint(
            tube([(s * 50, -79, 4), (s * 51, -80, 22), (s * 49, -84, 40)], [5, 3.6, 5]), cortical(1150, 450)
        ),
        Paint(tube([(s * 11, -96, 24), (s * 17, -101, 2)], [3.5, 4]), cortical(1000, 400)),
        Paint(
            tube([(s * 44, -80, 44), (s * 30, -89, 47), (s * 10, -91, 46)], [4.5, 4.5, 6]),
            cortical(1250, 600),
        ),
        Paint(sinus, content),
    ]


def _nose() -> list[Paint]:
    lower, upper = box((0, -74, -17), (13.5, 29, 15), 6), box((0, -70, 6), (8.5, 25, 14), 4)
    under = where(lambda x, y, z: z - frontal_floor(x, y) + 2, (-13, -93, 9), (13, -47, 35))
    ethmoid = common(box((0, -70, 22), (12.3, 22.5, 12), 4), under)
    strokes = [
        Paint(grown(ethmoid, 1.5), 750),
        Paint(grown(lower, 1.6), 650),
        Paint(ethmoid, _ethmoid),
        Paint(union(lower, upper), AIR_HU),
        Paint(tube([(0, -101, -16), (0, -110, -12)], [8, 7], (1, 1, 0.7)), AIR_HU),
        Paint(box((0.8, -74, -2), (1.5, 29, 32), 1), 150),
    ]
    for s in (-1, 1):
        strokes += [
            Paint(tube([(s * 9, -96, -21), (s * 9, -56, -21)], 4.6, (0.9, 1, 1.7)), 42),
            Paint(tube([(s * 7.5, -88, -4), (s * 7.5, -58, -4)], 4.0, (0.8, 1, 1.7)), 42),
            Paint(tube([(s * 3.5, -97, 30), (s * 4.5, -106, 14)], 1.8), 900),
            Paint(tube([(s * 9, -121, -8), (s * 5, -102, -15)], [3.6, 4.5]), AIR_HU),
            Paint(tube([(s * 13, -118, -8), (s * 14, -106, -14)], [3, 4]), 20),
        ]
    strokes.append(Paint(box((0, -76, -34), (19, 27, 2.2), 2), cortical(1000, 600, 1.0)))
    return strokes


def _ethmoid(d: F, x: F, y: F, z: F) -> F:
    wall = np.clip((np.float32(0.5) - np.abs(cells(x, y, z * np.float32(0.5), 15))) * 4, 0, 1)
    middle = np.clip(2.2 - np.abs(x), 0, 1)
    return np.asarray(np.float32(AIR_HU) + np.maximum(wall, middle) * np.float32(1350), dtype=np.float32)


def face(rng: np.random.Generator, person: Person) -> list[Paint]:
    """Bones and air spaces of the face; orbits are left as bone shells filled with fat."""
    strokes: list[Paint] = []
    for side in (1, -1):
        strokes.append(Paint(common(grown(orbit(side), 2.4), _behind_rim(side)), cortical(1000, 650, 1.2)))
    for side in (1, -1):
        strokes += _maxilla(side, person)
    strokes += _nose()
    strokes.append(Paint(ellipsoid((0, -83, 48), (27, 9.5, 12)), cortical(1250, 600)))
    f = person.frontal_sinus
    for side in (1, -1):
        shift, s = float(rng.normal(0, 1.5)), float(rng.uniform(0.7, 1.15))
        strokes += [
            Paint(ellipsoid((side * 11 * f + shift, -86.5, 50), (9 * f, 4.6, 10 * f)), AIR_HU),
            Paint(ellipsoid((side * (1 + 6.6 * s), -46, 5.5), (6.6 * s, 13 * s, 12 * s)), AIR_HU),
        ]
        strokes.append(Paint(orbit(side), -88))
    return strokes
