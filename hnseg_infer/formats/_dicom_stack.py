"""Whether the slices of a DICOM series stack into a regular grid, and in which order.

ITK takes the first slice's word for the whole stack, so slices are compared here before it reads them: same
grid, no gap, no gantry tilt, and none twice. Positions are LPS mm.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError, out_of_memory
from hnseg_infer.formats._common import FARTHEST_MM, array_shape
from hnseg_infer.formats._dicom_headers import (
    COLUMNS,
    INTERCEPT,
    ORIENTATION,
    PIXEL_SPACING,
    POSITION,
    ROWS,
    SLOPE,
    Slice,
)
from hnseg_infer.formats._itk import itk_path, simpleitk
from hnseg_infer.volume import ORTHOGONALITY_TOLERANCE, Array

POSITION_TOLERANCE = 0.1
"""mm by which a slice may lie off its place: positions are often stored rounded to a tenth."""


def ordered(path: Path, slices: Sequence[Slice]) -> list[Slice]:
    """The slices in order along their normal, one where several files hold the same voxels for one place.

    ``path`` is the series' folder for messages. Raises InputError unless they form a regular grid.
    """
    for tag in (ROWS, COLUMNS, PIXEL_SPACING, ORIENTATION, SLOPE, INTERCEPT):
        if len({item.tags.get(tag, "") for item in slices}) > 1:
            raise InputError(f"{path.name} holds a CT series whose slices differ in grid or scale.")
    _check_pixels(path, slices[0], len(slices))
    positions, normal = _positions(path, slices)
    heights = positions @ normal
    order = _without_copies(path, slices, positions, np.argsort(heights, kind="stable").tolist())
    _check_stack(path, [slices[index] for index in order], positions[order], normal)
    return [slices[index] for index in order]


def _check_pixels(path: Path, item: Slice, count: int) -> None:
    """Raise InputError for too many pixels, and where GDCM would put a spacing or scale of its own."""
    try:
        sizes = [int(item.numbers(tag, 1)[0]) for tag in (COLUMNS, ROWS)]
        scale = [item.numbers(tag, 1)[0] for tag in (SLOPE, INTERCEPT) if item.tags.get(tag)]
        if item.numbers(PIXEL_SPACING, 2).min() <= 0 or scale[:1] == [0.0]:
            raise ValueError("no spacing or no scale")
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path.name} holds a CT series without usable pixel spacing or rescale slope and intercept."
        ) from error
    array_shape(path, [*sizes, count])


def _positions(path: Path, slices: Sequence[Slice]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions (n, 3) of the slices' first voxels, and their common normal."""
    try:
        positions = np.array([item.numbers(POSITION, 3) for item in slices])
        row, column = slices[0].numbers(ORIENTATION, 6).reshape(2, 3)
        if max(np.abs(positions).max(), np.abs(row).max(), np.abs(column).max()) > FARTHEST_MM:
            raise ValueError("positions beyond any patient")
    except (KeyError, ValueError) as error:
        raise InputError(f"{path.name} holds a CT series that does not say where its slices lie.") from error
    products = np.array([row @ row - 1, column @ column - 1, row @ column])
    if np.abs(products).max() > ORTHOGONALITY_TOLERANCE:
        raise InputError(f"{path.name} holds a CT series whose rows and columns are not perpendicular.")
    return positions, np.cross(row, column)


def _without_copies(
    path: Path, slices: Sequence[Slice], positions: NDArray[np.float64], order: Sequence[int]
) -> list[int]:
    """``order`` without the slices that hold the same voxels as one before them at the same place."""
    kept: list[int] = []
    for index in order:
        here = kept[-1:] if kept and _together(positions[index], positions[kept[-1]]) else []
        if not here or not np.array_equal(_voxels(path, slices[here[0]]), _voxels(path, slices[index])):
            kept.append(index)
    return kept


def _together(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    return bool(np.abs(first - second).max() <= POSITION_TOLERANCE)


def _voxels(path: Path, item: Slice) -> Array:
    itk = simpleitk()
    try:
        array: Array = itk.GetArrayFromImage(itk.ReadImage(itk_path(item.path), imageIO="GDCMImageIO"))
    except RuntimeError as error:
        if out_of_memory(error):
            raise
        raise InputError(f"{path.name} holds a DICOM CT series with a damaged or cut-short slice.") from error
    return array


def _check_stack(
    path: Path, slices: Sequence[Slice], positions: NDArray[np.float64], normal: NDArray[np.float64]
) -> None:
    """Raise InputError unless ``positions`` (n, 3), sorted by height, are evenly spaced along the normal."""
    if len(slices) < 2:
        raise InputError(f"{path.name} holds a CT series of one slice.")
    heights = positions @ normal
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    if gaps.min() <= POSITION_TOLERANCE:
        raise InputError(
            f"{path.name} holds a CT series with different slices at one place: "
            f"{_pair(slices, int(gaps.argmin()))}."
        )
    off = np.abs(gaps - usual) > POSITION_TOLERANCE
    if off.any():
        place = int(off.argmax())
        raise InputError(
            f"{path.name} holds a CT series with missing or unevenly spaced slices: "
            f"{gaps[place]:.2f} mm instead of {usual:.2f} mm between {_pair(slices, place)}."
        )
    sideways = positions - np.outer(heights, normal)
    if np.abs(sideways - sideways[0]).max() > POSITION_TOLERANCE:
        raise InputError(
            f"{path.name} holds a CT series whose slices are shifted sideways, as from a tilted gantry; "
            "slices straight above each other are accepted."
        )


def _pair(slices: Sequence[Slice], lower: int) -> str:
    return f"{slices[lower].place} and {slices[lower + 1].place}"
