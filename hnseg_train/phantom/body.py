"""The outside of the patient: scalp, face, nose, ears, neck, shoulders; skin and subcutaneous fat."""

from dataclasses import dataclass

import numpy as np

from hnseg_train.phantom.cavity import cerebrum, posterior_fossa
from hnseg_train.phantom.loft import loft
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F, Shape, ellipsoid, grown, mirrored, tube

SKIN_MM = 1.8
FAT_LEVELS = (-400, -190, -165, -130, -100, -60, -20, 10, 35, 120)
FAT_MM = (16, 16, 12, 8, 6, 6, 5, 4.5, 3.6, 3.0)

FACE = (
    (92, 0, -5, 10, 40, 30),
    (80, 0, -6, 42, 68, 40),
    (64, 0, -8, 58, 82, 45),
    (48, 0, -12, 68, 88, 45),
    (28, 0, -14, 72, 88, 50),
    (10, 0, -15, 75, 90, 50),
    (-10, 0, -15, 76, 95, 45),
    (-30, 0, -18, 75, 99, 45),
    (-50, 0, -20, 73, 101, 45),
    (-70, 0, -22, 69, 102, 45),
    (-85, 0, -24, 62, 101, 40),
    (-95, 0, -24, 57, 95, 40),
    (-102, 0, -24, 54, 80, 40),
    (-110, 0, -24, 50, 50, 40),
)
NECK = (
    (5, 0, 10, 60, 40, 62),
    (-25, 0, 5, 66, 45, 66),
    (-45, 0, 3, 66, 50, 60),
    (-70, 0, 0, 63, 60, 58),
    (-100, 0, 0, 61, 68, 58),
    (-118, 0, 2, 64, 68, 62),
    (-132, 0, 5, 78, 68, 68),
    (-146, 0, 10, 105, 70, 78),
    (-165, 0, 15, 140, 75, 90),
)
TRUNK = (
    (-128, 0, 28, 62, 50, 42),
    (-136, 0, 28, 92, 66, 48),
    (-146, 0, 26, 132, 78, 60),
    (-156, 0, 24, 170, 82, 76),
    (-168, 0, 24, 200, 86, 86),
    (-184, 0, 24, 214, 92, 89),
    (-215, 0, 22, 220, 100, 91),
    (-260, 0, 20, 224, 112, 93),
    (-420, 0, 20, 226, 124, 93),
)


def _widened(rows: tuple[tuple[float, ...], ...], factor: float) -> list[list[float]]:
    return [[r[0], r[1], r[2], r[3] * factor, r[4] * (0.5 + 0.5 * factor), r[5] * factor] for r in rows]


@dataclass(frozen=True)
class Outline:
    """The solids whose union is the patient: large smooth ones, and small ones that need every voxel."""

    smooth: list[Shape]
    detail: list[Shape]


def outline(person: Person) -> Outline:
    """The patient's skin surface."""
    scalp = person.skull_mm + 2.5 + 2.2 * person.fat
    soft = 0.93 + 0.07 * person.fat
    n = person.nose
    nose = ((0, -97, 30), (0, -103 - 8 * n, 12), (0, -106 - 14 * n, -6), (0, -106 - 9 * n, -13))
    smooth = [
        grown(cerebrum(), scalp),
        grown(posterior_fossa(), scalp + 2),
        loft(_widened(FACE, soft), square=True),
        loft(_widened(NECK, person.neck * soft), square=True),
        loft(_widened(TRUNK, soft), square=True),
    ]
    detail = [
        tube(nose, [7, 7, 9, 8]),
        # brow, lips, chin
        tube([(-40, -90, 42), (0, -96, 43), (40, -90, 42)], 5.5 + 2 * person.brow),
        tube([(-16, -113, -54), (0, -118, -52), (16, -113, -54)], 8, (1, 1, 1.5)),
        ellipsoid((0, -112, -88), (24, 16 * person.jaw, 17)),
    ]
    e = person.ears
    pinna = ((78, -10, -8), (85, 4, 14 * e), (84 + 3 * e, 12, 8), (85, 6, -12 * e))
    for side in (-1, 1):
        detail += [
            ellipsoid((side * 30, -98, -14), (16, 12, 16)),
            ellipsoid((side * 13, -113, -11), (7, 8, 6)),
            tube(mirrored(side, pinna), [4.2, 3.2, 3.0, 4.0]),
            tube([(side * 74, -4, -6), (side * 82, 3, -2)], [9, 4], (0.5, 1, 1.6)),
        ]
    return Outline(smooth, detail)


def _between_muscles(loose: F, x: F, y: F, z: F, person: Person) -> F:
    """The nape of the neck: small muscles parted by planes of fat, fading into ``loose`` tissue in front."""
    wave = np.sin(x / 4 + np.float32(0.06) * y) + np.sin(y / np.float32(3.4) + x / 9) + np.sin(z / 7 + y / 6)
    flesh = np.clip((np.abs(wave) - np.float32(0.12 + 0.22 * person.fat)) * 4, 0, 1)
    share = np.clip((y + 15) / 12, 0, 1) * np.clip((-22 - z) / 20, 0, 1)
    return np.asarray(loose + share * (np.float32(-75) + flesh * np.float32(122) - loose), dtype=np.float32)


def soft_tissue(d: F, x: F, y: F, z: F, person: Person) -> F:
    """CT number by depth under the skin: skin, fat, then loose fat (head, neck) or muscle (trunk)."""
    levels = np.arange(FAT_LEVELS[0], FAT_LEVELS[-1], 2.0)
    table = (np.interp(levels, FAT_LEVELS, FAT_MM) * person.fat).astype(np.float32)
    at = np.clip((z - np.float32(levels[0])) * np.float32(0.5), 0, len(levels) - 1).astype(np.int32)
    under = -d - np.float32(SKIN_MM)
    deep = np.clip((under - table[at]) + np.float32(0.5), 0, 1)
    # Loose tissue between the neck's muscles, flesh with fat planes in the trunk, fat behind the face.
    flesh = np.asarray(np.float32(-12) + np.clip((np.float32(-135) - z) / 20, 0, 1) * 60, np.float32)
    flesh -= np.clip((z + 85) / 20, 0, 1) * np.float32(35)
    if float(z.min()) < -25 and float(z.max()) > -150:
        nape = (d < -4) & (y > -15) & (z < -22)
        flesh[nape] = _between_muscles(flesh[nape], x[nape], y[nape], z[nape], person)
    if float(z.min()) < -140:
        wave = np.sin(x / 15 + np.float32(0.02) * y) + np.sin(y / 13) + np.sin(z / 21 + np.abs(x) / 40)
        flesh[(z < -140) & (np.abs(wave) < 0.13)] = -60
    face = np.clip((np.float32(-42) - y) / 14, 0, 1) * np.clip((z + 106) / 10, 0, 1)
    core = flesh + face * (np.float32(-80) - flesh)
    hu = np.float32(-103) + deep * (core + np.float32(103))
    skin = np.clip(np.float32(0.5) - under, 0, 1)
    return np.asarray(hu + skin * (np.float32(15) - hu), dtype=np.float32)
