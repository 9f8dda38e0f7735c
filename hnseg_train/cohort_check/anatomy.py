"""What is known about the organs of StructSeg's table: sides, sizes, densities, who lies above whom.

Keyed by name without the side (``eye``), so that a table with other label values, a part of the organs or
TG-263's names is checked as well. Organs that are not listed are not judged.
"""

from collections.abc import Mapping

from hnseg_infer.organs import side_of

MEASURED_CM3: Mapping[str, tuple[float, float]] = {
    "brain_stem": (21.8, 35.2),
    "eye": (5.4, 11.2),
    "lens": (0.05, 0.31),
    "optic_nerve": (0.41, 1.27),
    "optic_chiasm": (0.79, 1.28),
    "temporal_lobe": (83.8, 130.5),
    "pituitary": (0.38, 0.44),
    "parotid": (12.1, 52.5),
    "inner_ear": (0.036, 0.80),
    "middle_ear": (1.44, 1.81),
    "tmj": (2.88, 3.33),
    "spinal_cord": (10.0, 41.2),
    "mandible": (25.9, 43.0),
}
"""Smallest and largest volume in contours of 35 planning CTs (DeepMind's, of TCIA), of one patient with
nasopharyngeal carcinoma, and in drafts on two CTs. Chiasm, temporal lobe, pituitary, middle ear, TMJ and half
mandible come from the last three alone; the smallest inner ears are contours of the cochlea."""

VOLUME_FACTOR = 3.0
"""How far outside MEASURED_CM3 a volume is worth a look; protocols and patients differ by less."""

_SOFT = (-150.0, 200.0)
_BONY = (100.0, 3071.0)

MEDIAN_HU: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("brain_stem", "eye", "lens", "optic_nerve", "optic_chiasm"), _SOFT),
    **dict.fromkeys(("temporal_lobe", "pituitary", "parotid", "spinal_cord"), _SOFT),
    **dict.fromkeys(("inner_ear", "tmj", "mandible"), _BONY),
}
"""Median HU of an organ's voxels. Wider than what 199 OpenKBP CTs (parotid -115 to 86, mandible 339 and more)
and two full-resolution CTs (inner ear 1149 and more, TMJ 281 and more) show; the middle ear, air and bone in
any proportion, is left out. No organ of these is doubted; in both full-resolution CTs some are with the label
map mirrored, even when left and right are renamed, or moved sideways by 10 pixels."""

ABOVE: tuple[tuple[str, str], ...] = (
    ("eye", "mandible"),
    ("eye", "parotid"),
    ("eye", "spinal_cord"),
    ("optic_nerve", "mandible"),
    ("optic_chiasm", "mandible"),
    ("pituitary", "mandible"),
    ("temporal_lobe", "mandible"),
    ("temporal_lobe", "parotid"),
    ("inner_ear", "spinal_cord"),
    ("brain_stem", "spinal_cord"),
)
IN_FRONT: tuple[tuple[str, str], ...] = (
    ("eye", "brain_stem"),
    ("eye", "temporal_lobe"),
    ("eye", "spinal_cord"),
    ("optic_nerve", "brain_stem"),
    ("mandible", "brain_stem"),
    ("mandible", "spinal_cord"),
)
"""The first's centroid (mean of both sides) lies above, or in front of, the second's: by 47 mm at least in
every patient at hand that has both (3 for temporal lobe, chiasm and pituitary, 37 to 211 for the others). No
tilt of the head turns that round."""


def single(name: str) -> bool:
    """Whether the organ is known to be one piece: all of StructSeg's are."""
    return side_of(name)[0] in MEASURED_CM3
