"""The StructSeg 2019 label table: the 22 organs at risk of the head and neck.

Left is the patient's left. Weights are the challenge's and are keyed by name. Names in
``tg263`` follow AAPM TG-263, the nomenclature radiotherapy systems exchange.
"""

from dataclasses import dataclass
from typing import Literal

Side = Literal["-", "L", "R"]


@dataclass(frozen=True)
class Organ:
    """One organ at risk: label value, code name, side, StructSeg weight, RGB colour, TG-263 name."""

    id: int
    name: str
    side: Side
    weight: int
    color: tuple[int, int, int]
    tg263: str


STRUCTSEG_ORGANS: tuple[Organ, ...] = (
    Organ(1, "brain_stem", "-", 100, (64, 224, 208), "Brainstem"),
    Organ(2, "eye_left", "L", 100, (30, 144, 255), "Eye_L"),
    Organ(3, "eye_right", "R", 100, (0, 206, 255), "Eye_R"),
    Organ(4, "lens_left", "L", 50, (255, 255, 0), "Lens_L"),
    Organ(5, "lens_right", "R", 50, (255, 200, 0), "Lens_R"),
    Organ(6, "optic_nerve_left", "L", 80, (124, 252, 0), "OpticNrv_L"),
    Organ(7, "optic_nerve_right", "R", 80, (50, 205, 50), "OpticNrv_R"),
    Organ(8, "optic_chiasm", "-", 50, (255, 0, 255), "OpticChiasm"),
    Organ(9, "temporal_lobe_left", "L", 80, (205, 133, 63), "Lobe_Temporal_L"),
    Organ(10, "temporal_lobe_right", "R", 80, (244, 164, 96), "Lobe_Temporal_R"),
    Organ(11, "pituitary", "-", 80, (255, 20, 147), "Pituitary"),
    Organ(12, "parotid_left", "L", 50, (186, 85, 211), "Parotid_L"),
    Organ(13, "parotid_right", "R", 50, (147, 112, 219), "Parotid_R"),
    Organ(14, "inner_ear_left", "L", 70, (255, 99, 71), "Ear_Internal_L"),
    Organ(15, "inner_ear_right", "R", 70, (250, 128, 114), "Ear_Internal_R"),
    Organ(16, "middle_ear_left", "L", 70, (154, 205, 50), "Ear_Middle_L"),
    Organ(17, "middle_ear_right", "R", 70, (173, 255, 47), "Ear_Middle_R"),
    Organ(18, "tmj_left", "L", 60, (0, 128, 255), "Joint_TM_L"),
    Organ(19, "tmj_right", "R", 60, (65, 105, 225), "Joint_TM_R"),
    Organ(20, "spinal_cord", "-", 100, (255, 69, 0), "SpinalCord"),
    Organ(21, "mandible_left", "L", 100, (222, 184, 135), "Bone_Mandible_L"),
    Organ(22, "mandible_right", "R", 100, (245, 222, 179), "Bone_Mandible_R"),
)

_STRUCTSEG: dict[str, Organ] = {
    name: organ for organ in STRUCTSEG_ORGANS for name in (organ.name, organ.tg263)
}

_ENDINGS: tuple[tuple[str, Side], ...] = (("_left", "L"), ("_right", "R"), ("_L", "L"), ("_R", "R"))


def side_of(name: str) -> tuple[str, Side]:
    """An organ's name without its side, and the side: by StructSeg's table, else by the name's ending.

    >>> side_of("eye_left"), side_of("BrachialPlex_R"), side_of("Brainstem")
    (('eye', 'L'), ('BrachialPlex', 'R'), ('brain_stem', '-'))
    """
    known = _STRUCTSEG.get(name)
    name = known.name if known is not None else name
    for ending, side in _ENDINGS:
        if name.endswith(ending):
            return name.removesuffix(ending), side
    return name, "-"
