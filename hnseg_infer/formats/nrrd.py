"""NRRD: .nrrd (read and written) and .nhdr (read). Source: Teem's definition of the format."""

import gzip
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.files import write_whole
from hnseg_infer.formats._common import (
    COMPRESSION_LEVEL,
    array_shape,
    little_endian,
    make_volume,
    shown,
    voxel_values,
)
from hnseg_infer.formats._nrrd_header import Header, axes, grid, read_header
from hnseg_infer.formats._voxels import GZIP, TAIL, data_file, read_voxels
from hnseg_infer.volume import Array, Volume

_READ_TYPES = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
_WRITE_TYPES = {"uint8": "uint8", "int16": "int16", "float32": "float"}


def read(path: Path) -> Volume:
    """Read an NRRD file: int16 or float32 voxels ``[z, y, x]``. Raises InputError."""
    header = read_header(path)
    try:
        given = axes(header)
        shape = array_shape(path, given.sizes, given.components)
        spacing, origin, direction = grid(path, header)
        dtype = _voxel_type(header)
        skip = header.number("byte skip", 0)
        if skip < TAIL or header.number("line skip", 0) != 0:
            raise ValueError("lines or bytes to skip")
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path.name} cannot be read as NRRD: its header is damaged or not understood "
            f"({shown(str(error))})."
        ) from error
    stored = _read_voxels(path, header, skip, shape, dtype)
    return make_volume(path, voxel_values(stored), spacing, origin.tolist(), direction.ravel().tolist())


def write(volume: Volume, path: Path) -> None:
    """Write uint8, int16 or float32 voxels, gzip-compressed without a time stamp."""
    voxels, element_type = little_endian(volume, _WRITE_TYPES)
    geometry = volume.geometry
    vectors = [_space_direction(geometry.matrix[:, axis], geometry.spacing[axis]) for axis in range(3)]
    header = (
        "NRRD0004\n"
        f"type: {element_type}\n"
        "dimension: 3\n"
        "space: left-posterior-superior\n"
        f"sizes: {' '.join(str(size) for size in reversed(geometry.shape))}\n"
        f"space directions: {' '.join(_text(vector) for vector in vectors)}\n"
        "kinds: domain domain domain\n"
        "endian: little\n"
        "encoding: gzip\n"
        f"space origin: {_text(np.array(geometry.origin))}\n"
        "\n"
    )
    write_whole(path, (header.encode("ascii"), gzip.compress(voxels, COMPRESSION_LEVEL, mtime=0)))


def _voxel_type(header: Header) -> np.dtype[Any]:
    """Raises ValueError for types that are no numbers, or numbers of unknown byte order."""
    name = " ".join(header.text("type").split())
    kind = next((kind for kind, names in _READ_TYPES.items() if name in names.split(", ")), None)
    if kind is None:
        raise ValueError(f"type {name}")
    order = "=" if kind[1] == "1" else {"little": "<", "big": ">"}.get(header.text("endian"))
    if order is None:
        raise ValueError("endian is neither little nor big")
    return np.dtype(order + kind)


def _read_voxels(
    path: Path, header: Header, skip: int, shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> Array:
    name, encoding = header.fields.get("data file", ""), header.text("encoding")
    packed = encoding in ("gzip", "gz")
    one_file = not name.upper().startswith("LIST") and "%" not in name
    if not one_file or encoding not in ("raw", "gzip", "gz") or (packed and skip):
        raise InputError(
            f"{path.name} keeps its voxels in slices or as {shown(encoding) or 'unknown'}; "
            "raw or gzip in one file is accepted."
        )
    place, start = (data_file(path, name), 0) if name else (path, header.end)
    return read_voxels(place, TAIL if skip == TAIL else start + skip, shape, dtype, GZIP if packed else None)


def _space_direction(direction: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Vector whose length and direction, as an NRRD reader computes them, are exactly the given ones.

    NRRD has no field for the spacing, only the product, which is rounded. Among its neighbours
    there is an exact one for a grid that came from NRRD, and for most others; else the nearest is kept.
    """
    nearest = direction * spacing
    for steps in sorted(product(range(-2, 3), repeat=3), key=lambda counts: sum(map(abs, counts))):
        vector: NDArray[np.float64] = nearest + np.array(steps) * np.spacing(nearest)
        x, y, z = (float(value) for value in vector)
        length = float(np.sqrt(x * x + y * y + z * z))
        if length == spacing and np.array_equal(vector * (1.0 / length), direction):
            return vector
    return nearest


def _text(vector: NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(value)) for value in vector) + ")"
