"""What fills the skull: CSF, cerebrum with its ventricles, temporal lobes, cerebellum, brain stem."""

import numpy as np

from hnseg_train.phantom.anatomy import SYLVIAN_HEIGHT, SYLVIAN_RISE, TEMPORAL_BACK, TEMPORAL_MEDIAL
from hnseg_train.phantom.canvas import Paint, cells, lobed
from hnseg_train.phantom.cavity import cavity, stem, tentorium
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.sella import CSF_HU, sella
from hnseg_train.phantom.shapes import F, box, common, ellipsoid, grown, minus, mirrored, tube, where

VENTRICLE = ((10, -34, 52), (9, -8, 60), (14, 24, 57), (25, 38, 44), (24, 52, 42))
"""A lateral ventricle's centre line, frontal to occipital horn."""


def _cerebral(person: Person) -> Paint:
    def hu(d: F, x: F, y: F, z: F) -> F:
        fold = cells(x, y, z, 26)
        grey = np.clip((d + np.float32(6.8) + np.float32(2.4) * fold) * np.float32(0.8), 0, 1)
        tissue = np.float32(28 + person.brain_hu) + grey * np.float32(9.5)
        sulcus = (np.abs(fold) < 0.17) & (d > -13)
        tissue = np.where(sulcus, np.float32(13), tissue)
        csf = np.clip((d + np.float32(2.0)) * np.float32(0.9) + np.float32(0.5), 0, 1)
        return np.asarray(tissue + csf * (np.float32(CSF_HU) - tissue), dtype=np.float32)

    return Paint(cavity(), hu)


def _sylvian_top(x: F, y: F) -> F:
    wave = np.float32(1.6) * np.sin(np.float32(0.17) * y + np.float32(0.11) * x)
    return np.asarray(SYLVIAN_HEIGHT + SYLVIAN_RISE * y + wave, dtype=np.float32)


def _medial(y: F, z: F) -> F:
    """Distance from the midline at which the lobe begins: cisterns below, insula above and in front."""
    rise = np.maximum(z - 18, 0)
    front = np.clip(rise / 16, 0, 1) * np.maximum(-5 - y, 0)
    return np.asarray(TEMPORAL_MEDIAL + 0.7 * rise + 0.4 * front, dtype=np.float32)


def _temporal_lobe(side: int, clear: float) -> list[Paint]:
    """The lobe: under the Sylvian fissure, lateral of insula and cisterns, in front of a coronal plane.

    clear: how open the fissures are; in many patients they hardly show.
    """
    inner = grown(cavity(), -1.4)

    def rule(x: F, y: F, z: F) -> F:
        lateral = np.float32(side) * x
        d = np.maximum(z - _sylvian_top(x, y), (_medial(y, z) - lateral) * np.float32(0.82))
        d = np.maximum(d, y - TEMPORAL_BACK)
        # Below the tentorium only what lies in front of the petrous ridge belongs to the middle fossa.
        ridge = np.float32(-21) + np.float32(0.62) * (lateral - 15)
        behind = np.minimum(tentorium(x, y) + np.float32(1.5) - z, (y - ridge) * np.float32(0.85))
        return np.asarray(np.maximum(d, behind), dtype=np.float32)

    def fissure(x: F, y: F, z: F) -> F:
        lateral = np.float32(side) * x
        height = _sylvian_top(x, y)
        top = np.abs(z - height - np.float32(1.0))
        medial = _medial(y, z)
        sheet = np.where(lateral > medial - 1, top, np.float32(40))
        beside = np.abs(lateral - medial + np.float32(1.0))
        insula = np.where(z < height + 1, beside, np.float32(40))
        return np.asarray(np.minimum(sheet, insula) - np.float32(1.9), dtype=np.float32)

    low = (min(side * 12, side * 70), -56, -12)
    high = (max(side * 12, side * 70), 48, 60)
    horn = tube([(side * 33, 34, 38), (side * 33, 12, 22), (side * 32, -8, 14)], [3.2, 2.4, 1.4])
    return [
        Paint(common(where(fissure, low, (high[0], 40, 58)), cavity()), CSF_HU + 2, opacity=clear),
        Paint(common(where(rule, low, high), inner), None, 9 if side > 0 else 10),
        Paint(horn, CSF_HU, None, opacity=0.9),
    ]


def _ventricles(person: Person) -> list[Paint]:
    v = person.ventricles
    strokes = []
    for side in (-1, 1):
        strokes += [
            Paint(ellipsoid((side * 22, -10, 43), (8, 20, 11)), 38 + person.brain_hu),
            Paint(ellipsoid((side * 11, 3, 37), (9, 15, 8.5)), 38 + person.brain_hu),
            Paint(tube(mirrored(side, VENTRICLE), [5 * v, 4.2 * v, 5.5 * v, 5.5 * v, 2.5]), CSF_HU),
            Paint(ellipsoid((side * 23, 36, 45), (2.0, 3.2, 3.2)), 150),
            Paint(tube([(side * 9, 0, 22), (side * 15, 0, 40)], 7), 30 + person.brain_hu),
        ]
    falx = minus(box((0, 5, 74), (0.9, 78, 40), 0.5), ellipsoid((0, 4, 46), (8, 58, 30)))
    strokes += [
        Paint(box((0, -2, 34), (1.6 * v, 15, 10), 1.5), CSF_HU),
        Paint(ellipsoid((0, 17, 33), (2.4, 2.8, 2.4)), 110),
        Paint(common(falx, grown(cavity(), 0.5)), 50),
    ]
    return strokes


def _posterior_fossa(person: Person) -> list[Paint]:
    inner = grown(cavity(), -1.8)
    low, high = (-60, 2, -45), (60, 82, 40)

    def under(x: F, y: F, z: F) -> F:
        return np.asarray(np.maximum(z - tentorium(x, y) + np.float32(1.5), np.float32(3) - y))

    def membrane(x: F, y: F, z: F) -> F:
        off = np.abs(z - tentorium(x, y)) - np.float32(0.9)
        return np.asarray(np.maximum(off, np.float32(17) - np.abs(x)))

    below, sheet = where(under, low, high), where(membrane, (-64, 2, 0), (64, 80, 40))
    low_cistern = where(lambda x, y, z: z - 20, (-24, -24, -44), (24, 24, 20))
    strokes = [
        Paint(common(below, inner), lobed(38 + person.brain_hu, 5, 9)),
        Paint(common(sheet, grown(cavity(), 0.5)), 52 + 0.3 * person.contrast),
        Paint(common(grown(stem(), 4.0), low_cistern), CSF_HU),
        # The cistern before the stem leaves the dorsum sellae a thin plate.
        Paint(ellipsoid((0, -11.5, 12), (14, 9.6, 10)), CSF_HU, None),
    ]
    for side in (-1, 1):
        peduncle = tube([(side * 9, 5, -1), (side * 24, 20, -4)], [8.5, 9])
        strokes.append(Paint(peduncle, 32 + person.brain_hu))
    strokes += [
        Paint(ellipsoid((0, 16.5, -4), (7.5, 5.5, 11)), CSF_HU),
        Paint(tube([(0, 13, -16), (0, 12, -34)], [5, 6]), CSF_HU),
        Paint(stem(), 29 + person.brain_hu, 1),
    ]
    return strokes


def brain(rng: np.random.Generator, person: Person) -> list[Paint]:
    """Everything inside the skull, in painting order."""
    strokes = [_cerebral(person), *_ventricles(person)]
    clear = float(rng.uniform(0.25, 1.0))
    for side in (1, -1):
        strokes += _temporal_lobe(side, clear)
    return [*strokes, *_posterior_fossa(person), *sella(rng, person)]
