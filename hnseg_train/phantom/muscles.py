"""Muscles of mastication, tongue, lips and cheeks; muscles of the neck."""

from collections.abc import Sequence

from hnseg_train.phantom.canvas import Paint, lobed, sheathed
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import Point, ellipsoid, mirrored, tube
from hnseg_train.phantom.spine import cord_y

LIPS = ((-26, -102, -54), (-12, -115, -54), (12, -115, -54), (26, -102, -54))


def of_the_face() -> list[Paint]:
    """Chewing muscles, tongue, lips and cheeks; painted before the bones."""
    strokes = [
        Paint(ellipsoid((0, -80, -57), (24, 31, 19)), lobed(50, 8, 19)),
        Paint(ellipsoid((0, -79, -83), (31, 32, 12)), lobed(45, 16, 15)),
        Paint(tube(LIPS, 4.5, (1, 1, 2.4)), 42),
    ]
    for s in (-1, 1):
        strokes += [
            Paint(ellipsoid((s * 63, -28, 26), (13, 36, 40)), lobed(52, 6, 15)),
            sheathed(tube(mirrored(s, ((58, -52, -2), (50, -53, -20))), 6, (0.8, 1.8, 1)), 52),
            sheathed(tube(mirrored(s, ((27, -50, -8), (47, -29, -14))), 7, (1, 1, 1.2)), 52),
            sheathed(tube(mirrored(s, ((26, -48, -20), (41, -42, -62))), 6, (1, 2.0, 1)), 52),
            Paint(tube(mirrored(s, ((30, -99, -48), (41, -72, -46))), 2.6, (1, 1, 5)), 42),
            Paint(tube(mirrored(s, ((28, -96, -8), (22, -106, -38))), 2.2), 38),
        ]
    return strokes


def _along(side: int, rows: Sequence[tuple[float, float, float]]) -> list[Point]:
    """Points (x, y, z) from rows (z, x, distance behind the cord)."""
    return [(side * x, cord_y(z) + v, z) for z, x, v in rows]


def of_the_neck(person: Person) -> list[Paint]:
    """Deep and back muscles, painted before the spine."""
    k = person.neck
    semispinalis = ((-42, 14, 26), (-80, 13 * k, 26), (-130, 14, 26), (-200, 18, 24), (-330, 22, 18))
    splenius = ((-30, 34, 30), (-70, 27 * k, 34), (-120, 23, 37), (-200, 22, 34))
    trapezius = ((-40, 14, 50), (-80, 18, 45), (-125, 30, 44), (-150, 60, 34))
    levator = ((-45, 34, 8), (-85, 38 * k, 14), (-130, 50, 26), (-155, 70, 30))
    scalenes = ((-65, 28, -8), (-110, 33 * k, -8), (-165, 50, -22))
    longus = ((-38, 8, -25), (-80, 10, -29), (-170, 10, -32))
    shoulder = ((46, cord_y(-125) + 36, -125), (90, 50, -148), (140, 42, -156))
    strokes = []
    for s in (-1, 1):
        parts = (
            tube(_along(s, semispinalis), 10.5 * k, (1, 1.15, 1)),
            tube(_along(s, splenius), 7.8 * k, (1.6, 1, 1)),
            tube(_along(s, trapezius), 4.6, (3.4, 1, 1)),
            tube(mirrored(s, shoulder), [9, 12, 9], (1, 1.5, 1)),
            tube(_along(s, levator), 8.6 * k, (1, 1.3, 1)),
            tube(_along(s, scalenes), 7.6 * k, (1, 1.3, 1)),
            tube(_along(s, longus), 4.8, (1.4, 1, 1)),
        )
        strokes += [sheathed(part, 55) for part in parts]
    return strokes


def sternomastoid(person: Person) -> list[Paint]:
    """The two superficial muscles that bound the parotid behind."""
    k = person.neck
    line = ((56.5, 13, -45), (55 * k, 2, -65), (46 * k, -18, -105), (32, -32, -140), (14, -38, -172))
    radii = [6.5, 7.5, 7.5, 6.5, 5]
    return [sheathed(tube(mirrored(side, line), radii, (1.0, 1.5, 1.0)), 56) for side in (-1, 1)]
