"""What happens to a CT before a network sees it: normalisation, body mask.

Pure functions of arrays ``[z, y, x]`` in canonical orientation (z superior, y posterior, x patient left);
training and inference call the same ones. Spacings are mm in z, y, x order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isqrt, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Window = tuple[slice, slice, slice]

BODY_HU = -250.0
"""Between air, foam and lung on one side and fat on the other."""

COARSE_MM = 4.0
"""Grid on which the body is found: fine enough for a centroid, coarse enough to cost nothing."""

COUCH_MM = 8.0
"""Opening radius: couch shells, head rests and masks are thinner than twice this, heads are not."""

MARGIN_MM = 10.0
"""Kept around the tissue of a slice: the mask's opening takes the tips of noses and ears."""

HEAD_MM = 200.0
"""Vertex to chin: the part of the body below its top that counts as the head."""

_IN_PLANE = np.stack([np.zeros((3, 3)), ndimage.generate_binary_structure(2, 1), np.zeros((3, 3))])
"""Neighbours that share an edge within one axial slice."""


@dataclass(frozen=True)
class HUWindow:
    """nnU-Net's CTNormalization: HU cut off at low and high, less mean, divided by deviation."""

    low: float
    high: float
    mean: float
    deviation: float


def normalized(
    hu: NDArray[Any], window: HUWindow | None, like: NDArray[Any] | None = None
) -> NDArray[np.float32]:
    """What a network gets of what it sees: the window's values, or without a window the z-score.

    like: see ``z_score``.
    """
    if window is None:
        return z_score(hu, like)
    values = hu.astype(np.float32)
    np.clip(values, window.low, window.high, out=values)
    values -= np.float32(window.mean)
    values /= np.float32(window.deviation)
    return values


def z_score(image: NDArray[Any], like: NDArray[Any] | None = None) -> NDArray[np.float32]:
    """Zero mean and unit variance over the whole image (after the model's own crop), as nnU-Net's ZScore.

    like: an image whose mean and variance count in place of its own.
    """
    values = image.astype(np.float32)
    measured = values if like is None else like.astype(np.float32)
    mean = np.float32(measured.mean(dtype=np.float64))
    values -= mean
    if like is not None:
        measured -= mean
    # plane by plane: in double precision the whole image would take twice the memory of the result
    squares = sum(float(np.square(plane, dtype=np.float64).sum()) for plane in measured)
    values /= np.float32(max(sqrt(squares / measured.size), 1e-8))
    return values


def tissue_mask(
    hu: NDArray[Any], spacing_zyx: tuple[float, float, float]
) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """What is denser than air and thicker than couch and mask, slice by slice, on a coarse in-plane grid.

    Returns the mask ``[z, y, x]`` and the (y, x) factors by which its grid is coarser than the CT's.
    """
    step_y = max(1, round(COARSE_MM / spacing_zyx[1]))
    step_x = max(1, round(COARSE_MM / spacing_zyx[2]))
    # walls of the airway and the sinuses must not break the head apart
    filled = fill_holes(hu[:, ::step_y, ::step_x] > BODY_HU)
    radius = max(1, round(COUCH_MM / COARSE_MM))
    eroded = _disc_filter(filled, radius, np.logical_and)
    return _disc_filter(eroded, radius, np.logical_or), (step_y, step_x)


def tissue_box(hu: NDArray[Any], spacing_zyx: tuple[float, float, float]) -> tuple[slice, slice]:
    """The rows and columns within ``MARGIN_MM`` of ``tissue_mask`` in any slice; all without tissue."""
    mask, steps = tissue_mask(hu, spacing_zyx)
    rows, columns = (
        _around(np.flatnonzero(mask.any(axis=others)) * step, MARGIN_MM / mm, extent)
        for others, step, mm, extent in zip(
            ((0, 2), (0, 1)), steps, spacing_zyx[1:], hu.shape[1:], strict=True
        )
    )
    return rows, columns


def _around(occupied: NDArray[np.intp], margin: float, extent: int) -> slice:
    if not occupied.size:
        return slice(0, extent)
    return slice(max(0, floor(occupied[0] - margin)), min(extent, ceil(occupied[-1] + margin) + 1))


def body_mask(
    hu: NDArray[Any], spacing_zyx: tuple[float, float, float]
) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """The patient without couch, mask and air: the largest connected part of ``tissue_mask``, same grid.

    The mask is empty when nothing in the CT is denser than air.
    """
    tissue, steps = tissue_mask(hu, spacing_zyx)
    parts, count = ndimage.label(tissue)
    if count:
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        tissue = parts == sizes.argmax()
    return tissue, steps


def fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Each slice of a mask ``[z, y, x]`` with what it encloses: ``ndimage.binary_fill_holes`` by slice.

    One labelling of the background took a third of the time of filling slice by slice.
    """
    background, count = ndimage.label(~mask, _IN_PLANE)
    outside = np.zeros(count + 1, dtype=bool)
    for edge in (background[:, 0], background[:, -1], background[:, :, 0], background[:, :, -1]):
        outside[edge] = True
    outside[0] = False
    filled: NDArray[np.bool_] = ~outside[background]
    return filled


def _disc_filter(mask: NDArray[np.bool_], radius: int, combine: np.ufunc) -> NDArray[np.bool_]:
    """In-plane erosion (``logical_and``) or dilation (``logical_or``) with a disc; outside is nothing.

    The whole stack is shifted and combined, which took a fifth of ndimage's time.
    """
    _, height, width = mask.shape
    padded = np.pad(mask, ((0, 0), (radius, radius), (radius, radius)))
    columns = [padded[:, :, start : start + width] for start in range(2 * radius + 1)]
    # along x, the disc's rows: combined[n] reaches n to either side
    combined = [columns[radius]]
    for reach in range(1, radius + 1):
        sides = combine(columns[radius - reach], columns[radius + reach])
        combined.append(combine(combined[-1], sides))
    result = combined[radius][:, radius : radius + height]
    for shift in range(1, radius + 1):
        row = combined[isqrt(radius**2 - shift**2)]
        for start in (radius - shift, radius + shift):
            result = combine(result, row[:, start : start + height])
    return result


def labels_center(labels: NDArray[Any], ids: Iterable[int]) -> tuple[float, float, float] | None:
    """Centre (z, y, x in voxels) of the bounding box of all voxels with one of ``ids``; None without any."""
    points = np.nonzero(np.isin(labels, list(ids)))
    if not points[0].size:
        return None
    z, y, x = ((int(axis.min()) + int(axis.max())) / 2 for axis in points)
    return z, y, x
