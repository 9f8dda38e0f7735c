"""What the readers and writers of all formats share.

Readers hand over what a file holds in ITK's order (x, y, z); arrays are ``[z, y, x]``.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Array, Geometry, Volume

ACCEPTED = ".mha, .mhd, .nii, .nii.gz, .nrrd, .nhdr files and folders with one DICOM CT series are accepted"

COMPRESSION_LEVEL = 4
"""zlib level of everything written: a CT comes out as small as at level 6 in a third of the time."""

MOST_VOXELS = 2**29
"""1024 x 1024 x 512, above any CT of a head: a header that asks for more is damaged or made up."""

MOST_BYTES = 3 * 2**29
"""Of voxels as stored; what is made of them comes on top."""

MOST_HEADER_BYTES = 2**20
"""A header of text that has not ended by then is none."""

FARTHEST_MM = 1e6
"""A voxel that is larger or a grid that lies farther off is no patient's, and overflows what is computed."""

_LONGEST_SHOWN = 60


def shown(text: str) -> str:
    """Text from a file as an error can repeat it: printable, and not long."""
    clean = "".join(sign if sign.isprintable() else "?" for sign in text[:_LONGEST_SHOWN])
    return clean + ("..." if len(text) > _LONGEST_SHOWN else "")


def whole_numbers(text: str) -> list[int]:
    """Sizes in a header. Raises ValueError, also for numbers of more digits than any size has."""
    words = text.split()
    if len(words) > 16 or any(len(word) > 18 for word in words):
        raise ValueError("too many digits")
    return [int(word) for word in words]


def array_shape(path: Path, sizes: Sequence[int], components: int = 1) -> tuple[int, int, int]:
    """Shape (z, y, x) for a file's sizes (x, y, z, ...); trailing axes of length 1 are dropped.

    Raises InputError unless the image has exactly three axes and one value per voxel, and no more voxels
    than a CT can have.
    """
    if components != 1:
        raise InputError(
            f"{path.name} holds {components} values per voxel (a colour or vector image); "
            "a CT with one value per voxel is accepted."
        )
    if len(sizes) < 3:
        raise InputError(f"{path.name} is a {len(sizes)}D image; a 3D CT volume is accepted.")
    if any(size != 1 for size in sizes[3:]):
        raise InputError(
            f"{path.name} is a {len(sizes)}D image of {' x '.join(map(str, sizes))} voxels; "
            "a single 3D CT volume is accepted."
        )
    if min(sizes[:3]) < 1:
        raise InputError(f"{path.name} holds no voxels: its size is {' x '.join(map(str, sizes))}.")
    if prod(sizes[:3]) > MOST_VOXELS:
        raise InputError(
            f"{path.name} asks for {' x '.join(map(str, sizes[:3]))} voxels; "
            "1024 x 1024 x 512 or as many in another shape are accepted."
        )
    return sizes[2], sizes[1], sizes[0]


def make_volume(
    path: Path, array: Array, spacing: Sequence[float], origin: Sequence[float], direction: Sequence[float]
) -> Volume:
    """A volume whose geometry errors name the file. Lengths in mm; direction is row-major 3 x 3."""
    if any(abs(length) > FARTHEST_MM for length in (*spacing, *origin)):
        raise InputError(f"{path.name} states a voxel size or a position beyond {FARTHEST_MM / 1e6:g} km.")
    try:
        geometry = Geometry(
            shape=(array.shape[0], array.shape[1], array.shape[2]),
            spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
            origin=(float(origin[0]), float(origin[1]), float(origin[2])),
            # far from a direction, and small enough to be looked at
            direction=np.clip(direction, -2.0, 2.0),
        )
    except InputError as error:
        raise InputError(f"{path.name} cannot be used: {error}") from error
    return Volume(array, geometry)


def voxel_values(stored: Array, slope: float = 1.0, intercept: float = 0.0) -> Array:
    """Stored numbers as real-world values: a new int16 array where that loses nothing, else float32.

    Numbers too large for float32 become infinite.
    """
    dtype: type[np.int16 | np.float32] = np.float32
    if stored.dtype.kind in "iu" and slope.is_integer() and intercept.is_integer():
        ends = [int(end) * int(slope) + int(intercept) for end in (stored.min(), stored.max())]
        limits = np.iinfo(np.int16)
        if limits.min <= min(ends) and max(ends) <= limits.max:
            dtype = np.int16
    with np.errstate(over="ignore", invalid="ignore"):
        if (slope, intercept) == (1.0, 0.0):
            return np.array(stored, dtype=dtype)
        values = np.empty(stored.shape, dtype=dtype)
        # plane by plane, as the way there is wider than the result
        for plane, result in zip(stored, values, strict=True):
            result[...] = plane.astype(np.float64) * slope + intercept
        return values


def little_endian(volume: Volume, names: dict[str, str]) -> tuple[memoryview, str]:
    """The voxels as little-endian bytes, x fastest, and the format's name for their type.

    names: the format's name for each numpy type it is to hold; raises ValueError for any other type.
    """
    kind = volume.array.dtype.name
    if kind not in names:
        raise ValueError(f"cannot write {kind} voxels; one of {sorted(names)} is needed")
    ordered = np.ascontiguousarray(volume.array, dtype=volume.array.dtype.newbyteorder("<"))
    return ordered.reshape(-1).data.cast("B"), names[kind]
