"""CTs changed such that a header, a scale or a part of them is wrong; arrays ``[z, y, x]``, canonical."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from hnseg_infer.volume import Volume


def mirrored(ct: Volume) -> Volume:
    """Left and right exchanged, without the header saying so."""
    return Volume(np.ascontiguousarray(ct.array[:, :, ::-1]), ct.geometry)


def upside_down(ct: Volume) -> Volume:
    """The first slice last, without the header saying so."""
    return Volume(np.ascontiguousarray(ct.array[::-1]), ct.geometry)


def every_other_slice(ct: Volume) -> Volume:
    """Half of the slices lost on the way; the header still has their distance."""
    return _with(ct, slice(0, None, 2))


def lower_half(ct: Volume) -> Volume:
    """The slices below the middle alone."""
    return _with(ct, slice(0, ct.array.shape[0] // 2))


def upper_half(ct: Volume) -> Volume:
    """The slices above the middle alone."""
    return _with(ct, slice(ct.array.shape[0] // 2, None))


def too_dense(ct: Volume) -> Volume:
    """1000 HU too high."""
    return Volume(ct.array.astype(np.int16) + np.int16(1000), ct.geometry)


def too_thin(ct: Volume) -> Volume:
    """1000 HU too low."""
    return Volume(ct.array.astype(np.int16) - np.int16(1000), ct.geometry)


BROKEN: Mapping[str, Callable[[Volume], Volume]] = {
    "left and right exchanged": mirrored,
    "upside down": upside_down,
    "every other slice lost": every_other_slice,
    "lower half alone": lower_half,
    "upper half alone": upper_half,
    "1000 HU too high": too_dense,
    "1000 HU too low": too_thin,
}
"""What can go wrong on the way to a segmentation, by what it is."""


def _with(ct: Volume, slices: slice) -> Volume:
    array = np.ascontiguousarray(ct.array[slices])
    return Volume(array, replace(ct.geometry, shape=array.shape))
