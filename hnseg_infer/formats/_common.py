"""What the readers and writers of all formats share.

Readers hand over what a file holds in ITK's order (x, y, z); arrays are ``[z, y, x]``.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Array, Geometry, Volume

ACCEPTED = ".mha, .mhd, .nii, .nii.gz, .nrrd, .nhdr files and folders with one DICOM CT series are accepted"

COMPRESSION_LEVEL = 4
"""zlib level of everything written: a CT comes out as small as at level 6 in a third of the time."""


def array_shape(path: Path, sizes: Sequence[int], components: int = 1) -> tuple[int, int, int]:
    """Shape (z, y, x) for a file's sizes (x, y, z, ...); trailing axes of length 1 are dropped.

    Raises InputError unless the image has exactly three axes and one value per voxel.
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
    return sizes[2], sizes[1], sizes[0]


def make_volume(
    path: Path, array: Array, spacing: Sequence[float], origin: Sequence[float], direction: Sequence[float]
) -> Volume:
    """A volume whose geometry errors name the file. Lengths in mm; direction is row-major 3 x 3."""
    try:
        geometry = Geometry(
            shape=(array.shape[0], array.shape[1], array.shape[2]),
            spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
            origin=(float(origin[0]), float(origin[1]), float(origin[2])),
            direction=tuple(float(value) for value in direction),
        )
    except InputError as error:
        raise InputError(f"{path.name} cannot be used: {error}") from error
    return Volume(array, geometry)


def voxel_values(stored: Array, slope: float = 1.0, intercept: float = 0.0) -> Array:
    """Stored numbers as real-world values: a new int16 array where that loses nothing, else float32."""
    scaled = (slope, intercept) != (1.0, 0.0)
    if stored.dtype.kind in "iu" and slope.is_integer() and intercept.is_integer():
        ends = [int(end) * int(slope) + int(intercept) for end in (stored.min(), stored.max())]
        limits = np.iinfo(np.int16)
        if limits.min <= min(ends) and max(ends) <= limits.max:
            values = stored.astype(np.int64) * int(slope) + int(intercept) if scaled else stored
            return np.array(values, dtype=np.int16)
    return np.array(stored.astype(np.float64) * slope + intercept if scaled else stored, dtype=np.float32)


def little_endian(volume: Volume, names: dict[str, str]) -> tuple[memoryview, str]:
    """The voxels as little-endian bytes, x fastest, and the format's name for their type.

    names: the format's name for each numpy type it is to hold; raises ValueError for any other type.
    """
    kind = volume.array.dtype.name
    if kind not in names:
        raise ValueError(f"cannot write {kind} voxels; one of {sorted(names)} is needed")
    ordered = np.ascontiguousarray(volume.array, dtype=volume.array.dtype.newbyteorder("<"))
    return ordered.reshape(-1).data.cast("B"), names[kind]
