"""Which axial slices can hold an organ at risk of the head and neck? Networks need not see the others.

Arrays are canonical ``[z, y, x]`` in HU (z rises towards superior), spacing is (z, y, x) mm.
``benchmarks/slice_range.py`` holds the range against contours: nothing that was drawn lies outside.
"""

from math import ceil

from hnseg_infer.head_in_view import BRAIN_EVERY_MM, shows_brain
from hnseg_infer.preprocessing import tissue_mask
from hnseg_infer.volume import Array

ABOVE_MM = 10.0
"""Kept above the highest slice with tissue; where a head was recognised no contour lies above that."""

BELOW_BRAIN_MM = 700.0
"""Kept below the lowest slice in which a brain was recognised.

The spinal cord is the organ that reaches lowest. Of 35 contoured planning CTs two show all of it: it ends
470 and 495 mm below the brain stem. The lowest slice in which a brain is found lies at most 69 mm above the
brain stem's lower end (OpenKBP), which leaves 136 mm.

A neck would lie closer to the cord's end, but raised arms hide it, and hands or feet are as narrow.
"""


def organ_slices(hu: Array, spacing_zyx: tuple[float, float, float]) -> slice:
    """The axial slices between the air above the vertex and what lies below any spinal cord.

    All slices when no brain is recognised, as in a neck or a blanked-out head: nothing then tells where the
    organs are. A head-and-neck CT loses air alone; only one that reaches the pelvis is cut below.
    """
    depth = hu.shape[0]
    top = _highest_tissue(hu, spacing_zyx)
    step = max(1, round(BRAIN_EVERY_MM / spacing_zyx[0]))
    brain = [z for z in range(top, -1, -step) if shows_brain(hu[z], spacing_zyx[1:])]
    if not brain:
        return slice(0, depth)
    start = brain[-1] - ceil(BELOW_BRAIN_MM / spacing_zyx[0])
    stop = top + 1 + ceil(ABOVE_MM / spacing_zyx[0])
    return slice(max(0, start), min(depth, stop))


def _highest_tissue(hu: Array, spacing: tuple[float, float, float]) -> int:
    """Index of the highest slice with tissue, connected to the body below or not; -1 without any."""
    slices = range(hu.shape[0] - 1, -1, -1)
    return next((z for z in slices if tissue_mask(hu[z : z + 1], spacing)[0].any()), -1)
