"""Paints one patient's strokes slab by slab onto the scan's grid."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg_train.phantom import scanner
from hnseg_train.phantom.body import Outline, soft_tissue
from hnseg_train.phantom.canvas import SUBSLICES, Paint, Slab
from hnseg_train.phantom.person import Person
from hnseg_train.phantom.shapes import F
from hnseg_train.phantom.warp import NODE_PIXELS, NODE_PLANES, Patch, node_box, patch, refine

SLAB_SLICES = 9
"""Slices painted at a time; their sub-slices are a whole number of node distances."""
SMOOTH_STEPS = (SUBSLICES, 2, 2)
"""Every how many voxels (z, y, x) the distance to the large solids is worked out."""


def node_planes(slices: int) -> int:
    """Sub-slices that the nodes must span: whole slabs, so that the last, shorter slab has its nodes too."""
    return -(-slices // SLAB_SLICES) * SLAB_SLICES * SUBSLICES + 1


def _skin_distance(here: Patch, outline: Outline) -> F:
    steps = SMOOTH_STEPS if here.x.shape[0] > SUBSLICES else (1, 2, 2)
    coarse = [axis[:: steps[0], :: steps[1], :: steps[2]] for axis in (here.x, here.y, here.z)]
    bottom, top = float(coarse[2].min()) - 10, float(coarse[2].max()) + 10
    rough = np.full(coarse[0].shape, 30, dtype=np.float32)
    for part in outline.smooth:
        if part.low[2] < top and part.high[2] > bottom:
            np.minimum(rough, part.distance(coarse[0], coarse[1], coarse[2]), out=rough)
    distance = refine(rough, steps, here.x.shape)
    for part in outline.detail:
        window = here.window(part.low, part.high)
        if window is not None:
            found = part.distance(here.x[window], here.y[window], here.z[window])
            np.minimum(distance[window], found, out=distance[window])
    return distance


def _add_mask(slab: Slab, skin: F, thickness: float) -> None:
    """The thermoplastic mask: a perforated sheet on the face, neck and shoulders."""
    here = slab.patch
    sheet = np.clip(thickness / 2 + np.float32(0.5) - np.abs(skin - np.float32(0.4 + thickness / 2)), 0, 1)
    sheet *= np.clip((35 - here.y + np.float32(0.3) * np.minimum(here.z, 0)) / 4, 0, 1)
    sheet *= np.clip((here.z + 190) / 4, 0, 1)
    weave = np.sign(np.sin(here.x * 1.05) * np.sin(here.z * 1.05 + here.y * 0.9))
    slab.hu += sheet * (np.float32(0.55) + np.float32(0.45) * weave) * (np.float32(30) - slab.hu)


def _paint_slab(
    here: Patch, outline: Outline, strokes: Sequence[Paint], person: Person, mask_mm: float
) -> tuple[F, NDArray[np.uint8]]:
    skin = _skin_distance(here, outline)
    slices, rows, columns = here.x.shape[0] // SUBSLICES, *here.x.shape[1:]
    hu = soft_tissue(skin, here.x, here.y, here.z, person)
    slab = Slab(here, hu, np.zeros((slices, rows, columns), np.uint8))
    for stroke in strokes:
        slab.paint(stroke)
    cover = np.clip(np.float32(0.5) - skin, 0, 1)
    slab.hu = np.float32(scanner.AIR) + cover * (slab.hu - np.float32(scanner.AIR))
    if mask_mm > 0:
        _add_mask(slab, skin, mask_mm)
    slab.labels[skin[SUBSLICES // 2 :: SUBSLICES] > 0] = 0
    return slab.hu.reshape(slices, SUBSLICES, rows, columns).mean(axis=1), slab.labels


def render(
    shape: tuple[int, int, int],
    nodes: Sequence[F],
    outline: Outline,
    strokes: Sequence[Paint],
    person: Person,
    mask_mm: float,
) -> tuple[F, NDArray[np.uint8]]:
    """The CT before the scanner's noise, and the labels, both of ``shape`` [z, y, x].

    nodes: average-patient coordinates on the coarse nodes of the sub-slices (``warp.node_grid``);
    mask_mm: thickness of the thermoplastic mask, 0 for none.
    """
    ct = np.full(shape, scanner.AIR, dtype=np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    for first in range(0, shape[0], SLAB_SLICES):
        count = min(SLAB_SLICES, shape[0] - first)
        bottom = first * SUBSLICES // NODE_PLANES
        levels = slice(bottom, bottom + SLAB_SLICES * SUBSLICES // NODE_PLANES + 1)
        box = node_box([axis[levels] for axis in nodes], [*outline.smooth, *outline.detail])
        if box is None:
            continue
        (y0, y1), (x0, x1) = box
        rows = slice(y0 * NODE_PIXELS, min(y1 * NODE_PIXELS, shape[1]))
        columns = slice(x0 * NODE_PIXELS, min(x1 * NODE_PIXELS, shape[2]))
        local = [axis[levels, y0 : y1 + 1, x0 : x1 + 1] for axis in nodes]
        block = (count * SUBSLICES, rows.stop - rows.start, columns.stop - columns.start)
        here = slice(first, first + count), rows, columns
        ct[here], labels[here] = _paint_slab(patch(local, block), outline, strokes, person, mask_mm)
    return ct, labels
