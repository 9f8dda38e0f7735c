"""Which CT a report is about: name, DICOM series and a checksum of the content; nothing of the patient."""

import hashlib
from dataclasses import dataclass

import numpy as np

from hnseg_infer.volume import Array, Volume, to_canonical

DIGITS = 3
"""Decimals of mm and direction cosines in the checksum: formats round what they store further behind."""


@dataclass(frozen=True)
class CtIdentity:
    """name: of the file or folder, without the way there. series_uid: None where the CT was no DICOM series.

    sha256: of voxels and grid (``ct_checksum``), not of the file.
    """

    name: str
    series_uid: str | None
    sha256: str


def identify(ct: Volume, name: str) -> CtIdentity:
    """The identity of a CT as it was read."""
    return CtIdentity(name, ct.series_uid, ct_checksum(ct))


def ct_checksum(ct: Volume) -> str:
    """sha256 of a CT in canonical orientation: the same whichever format and axis order it is stored in.

    Hashed are shape (z, y, x), spacing (x, y, z), origin and direction as text with DIGITS decimals, and
    then the voxels, x fastest: little-endian int16 where that holds every value, else float32.
    """
    canonical = to_canonical(ct)
    geometry = canonical.geometry
    numbers = (*geometry.spacing, *geometry.origin, *geometry.direction)
    # plus 0 turns what was rounded to -0 into 0
    grid = [*map(str, geometry.shape), *(f"{round(number, DIGITS) + 0:.{DIGITS}f}" for number in numbers)]
    digest = hashlib.sha256(" ".join(grid).encode())
    digest.update(_voxels(canonical.array).reshape(-1).data.cast("B"))
    return digest.hexdigest()


def _voxels(array: Array) -> Array:
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = array.astype(np.int16)
        array = whole if np.array_equal(whole, array) else array
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
