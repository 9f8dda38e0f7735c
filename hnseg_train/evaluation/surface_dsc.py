"""Surface DSC (NSD): the part of two masks' surfaces that lies within a tolerance of the other surface.

After Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head and neck anatomy
for radiotherapy" (2018), as their library ``surface-distance`` computes it: the surface consists of one
element per corner between 2 x 2 x 2 voxels that are not all alike, with the area that marching cubes gives
it; the distance of an element is that to the nearest such corner of the other mask. Elements weigh by area:
counting surface voxels instead would give the faces across thick slices too little weight.

Axes: arrays are ``[z, y, x]``.
"""

from functools import lru_cache
from itertools import product
from math import floor

import numpy as np
from numpy.typing import NDArray

Spacing = tuple[float, float, float]

TOLERANCE_MM = 1.0

ROUNDING_MM = 1e-4
"""Added to the tolerance: voxels of 1.0000001 mm, as single precision stores them, are voxels of 1 mm."""

_CORNER = tuple(product((0, 1), repeat=3))
"""The eight voxels around a corner; bit n of a corner's code belongs to the n-th of them."""


def surface_dsc(
    prediction: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    spacing_zyx: Spacing,
    tolerance_mm: float = TOLERANCE_MM,
) -> float:
    """Surface DSC of two masks of equal shape, at least one of which is not empty; 0 when the other is.

    What lies outside the arrays is background: a box that holds both masks gives the whole image's value.
    """
    areas = np.array([_area(code, spacing_zyx) for code in range(256)])
    codes = [_corner_codes(mask) for mask in (prediction, reference)]
    near = _ball(tolerance_mm + ROUNDING_MM, spacing_zyx)
    total = agreeing = 0.0
    for own, other in (codes, codes[::-1]):
        area = areas[own]
        total += float(area.sum())
        agreeing += float(area[_dilated((other > 0) & (other < 255), near)].sum())
    return agreeing / total


def _corner_codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """For every corner of the voxel grid, the outer ones included, which of its voxels are in the mask."""
    padded = np.pad(mask, 1).astype(np.uint8)
    codes = np.zeros(tuple(size - 1 for size in padded.shape), np.uint8)
    for bit, offset in enumerate(_CORNER):
        part = tuple(slice(at, at + size) for at, size in zip(offset, codes.shape, strict=True))
        codes |= padded[part] << bit
    return codes


def _dilated(points: NDArray[np.bool_], near: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Every grid point within reach of the given ones: a distance map cut at the tolerance, only faster."""
    from scipy.ndimage import binary_dilation

    grown: NDArray[np.bool_] = binary_dilation(points, near)
    return grown


def _ball(radius_mm: float, spacing: Spacing) -> NDArray[np.bool_]:
    """The grid points within ``radius_mm`` of the one in the middle."""
    axes = [np.arange(-floor(radius_mm / step), floor(radius_mm / step) + 1) * step for step in spacing]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    inside: NDArray[np.bool_] = z**2 + y**2 + x**2 <= radius_mm**2
    return inside


@lru_cache(maxsize=4096)
def _area(code: int, spacing: Spacing) -> float:
    """Area in mm2 of the surface element at a corner: of the triangles that marching cubes puts there.

    Of a pattern and its complement, which share one surface, the one with fewer voxels is triangulated.
    """
    # scikit-image comes with nnU-Net; these functions of it are unannotated
    from skimage.measure import marching_cubes, mesh_surface_area

    if code.bit_count() > 4:
        return _area(255 - code, spacing)
    if code == 0:
        return 0.0
    pattern = np.zeros((2, 2, 2), np.float32)
    for bit, voxel in enumerate(_CORNER):
        pattern[voxel] = code >> bit & 1
    vertices, faces, _, _ = marching_cubes(pattern, 0.5, spacing=spacing, method="lorensen")  # type: ignore[no-untyped-call]  # in scikit-image
    return float(mesh_surface_area(vertices, faces))  # type: ignore[no-untyped-call]  # in scikit-image
