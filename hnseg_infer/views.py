"""Which box of a CT a model sees, and the voxels in it.

Arrays are ``[z, y, x]`` in canonical orientation, spacings (z, y, x) mm. A box may reach beyond the image:
what lies there is air, so that a network sees the same of a head whatever the field of view beside it.
Training and inference call the same functions.
"""

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.preprocessing import Window
from hnseg_infer.resampling import Shape3, Spacing

AIR_HU = -1000
"""Of what lies outside the image."""

FIELD_MM = {"whole": 500.0, "head_window": 240.0}
"""Width and height of what a model sees, by its crop rule, where its patch is not wider.

A planning CT's field of view, of which the published images show 500 to 606 mm, and a head from the nose to
the back: about half of that.
"""


def axial_window(
    crop: str,
    patch: Sequence[int],
    slices: int,
    head: tuple[float, float],
    given: Spacing,
    working: Spacing | None = None,
) -> Window:
    """What a model of whole slices or of the head sees: all slices, in plane a field around the head.

    crop: a key of ``FIELD_MM``. patch: the model's, in voxels of ``working`` mm (None: the CT's own).
    head: row and column of its centre (head_place.py). given: the CT's spacing.
    """
    _, height, width = patch_voxels(patch, given, working)
    rows, columns = (
        _centred(center, max(round(FIELD_MM[crop] / mm), size))
        for center, mm, size in zip(head, given[1:], (height, width), strict=True)
    )
    return slice(0, slices), rows, columns


def patch_voxels(patch: Sequence[int], given: Spacing, working: Spacing | None = None) -> Shape3:
    """How many of the CT's voxels hold a patch of voxels of ``working`` mm; a 2D patch is one slice deep."""
    z, y, x = (
        ceil(size * wanted / mm)
        for size, wanted, mm in zip((1, *patch)[-3:], working or given, given, strict=True)
    )
    return z, y, x


def grown(window: Window, size_zyx: Sequence[int]) -> Window:
    """The window made at least so long, evenly to both sides, the odd voxel behind."""
    z, y, x = (
        slice(part.start - missing // 2, part.stop + missing - missing // 2)
        for part, missing in (
            (part, max(size - (part.stop - part.start), 0))
            for part, size in zip(window, size_zyx, strict=True)
        )
    )
    return z, y, x


def clipped(window: Window, shape: Sequence[int]) -> Window:
    """The part of a window that lies inside an image; empty where none does."""
    z, y, x = (
        slice(min(max(part.start, 0), size), min(max(part.stop, 0), size))
        for part, size in zip(window, shape, strict=True)
    )
    return z, y, x


def within(window: Window, part: Window) -> Window:
    """A part counted from the window's first voxel."""
    z, y, x = (
        slice(inner.start - outer.start, inner.stop - outer.start)
        for outer, inner in zip(window, part, strict=True)
    )
    return z, y, x


def cut(image: NDArray[Any], window: Window, outside: float = AIR_HU) -> NDArray[Any]:
    """The voxels of a window, ``outside`` where it reaches beyond the image."""
    inside = clipped(window, image.shape)
    if inside == window:
        return image[window]
    result = np.full([part.stop - part.start for part in window], outside, image.dtype)
    result[within(window, inside)] = image[inside]
    return result


def uncut(part: NDArray[Any], window: Window, shape: Shape3) -> NDArray[Any]:
    """What was found in a window on the image's grid; 0 where the image lies outside the window."""
    z, y, x = (slice(0, size) for size in shape)
    return cut(part, within(window, (z, y, x)), outside=0)


def roi_window(center_zyx: tuple[float, float, float], size_zyx: Shape3, shape: Shape3) -> Window:
    """A box of ``size_zyx`` voxels around a centre, moved inside the image; as short as the image is."""
    z, y, x = (
        _window(center, size, extent)
        for center, size, extent in zip(center_zyx, size_zyx, shape, strict=True)
    )
    return z, y, x


def _window(center: float, size: int, extent: int) -> slice:
    size = min(size, extent)
    start = min(max(_centred(center, size).start, 0), extent - size)
    return slice(start, start + size)


def _centred(center: float, size: int) -> slice:
    # halves always upwards: to the even number, a box would depend on where the image begins
    start = floor(center - (size - 1) / 2 + 0.5)
    return slice(start, start + size)
