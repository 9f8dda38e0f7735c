"""MetaImage: .mha (header and voxels in one file) and .mhd (voxels in a file beside it).

Read and written here rather than by ITK: ITK's reader prints to standard error about damaged
files, and the header is short. Numbers are written with all their digits, so a geometry comes
back exactly. Source: the MetaIO documentation of ITK.
"""

import zlib
from pathlib import Path
from typing import Any

import numpy as np

from hnseg_infer.errors import InputError
from hnseg_infer.files import write_whole
from hnseg_infer.formats._common import (
    ACCEPTED,
    COMPRESSION_LEVEL,
    MOST_HEADER_BYTES,
    array_shape,
    little_endian,
    make_volume,
    shown,
    voxel_values,
    whole_numbers,
)
from hnseg_infer.formats._voxels import TAIL, ZLIB_OR_GZIP, data_file, read_voxels
from hnseg_infer.volume import Array, Volume

_READ_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_WRITE_TYPES = {"uint8": "MET_UCHAR", "int16": "MET_SHORT", "float32": "MET_FLOAT"}


def read(path: Path) -> Volume:
    """Read a MetaImage file: int16 or float32 voxels ``[z, y, x]``. Raises InputError."""
    header, position = _read_header(path)
    try:
        sizes = whole_numbers(header["DimSize"])
        if [len(sizes)] != whole_numbers(header["NDims"]):
            raise ValueError("DimSize does not fit NDims")
        components = _whole(header, "ElementNumberOfChannels", 1)
        shape = array_shape(path, sizes, components)
        spacing = _numbers(header, ("ElementSpacing", "ElementSize"), [1.0] * len(sizes))
        origin = _numbers(header, ("Offset", "Position", "Origin"), [0.0] * len(sizes))
        identity = np.eye(len(sizes)).ravel().tolist()
        axes = _numbers(header, ("TransformMatrix", "Rotation", "Orientation"), identity)
        columns = np.array(axes).reshape(len(sizes), len(sizes))
        dtype = np.dtype(_READ_TYPES[header["ElementType"]])
        skip = _whole(header, "HeaderSize", 0)
        if skip < TAIL:
            raise ValueError("HeaderSize is negative")
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path.name} has a MetaImage header that is incomplete or not understood ({shown(str(error))})."
        ) from error
    big_endian = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", "False"))
    if _is_true(big_endian):
        dtype = dtype.newbyteorder(">")
    stored = _read_voxels(path, header, position, skip, shape, dtype)
    return make_volume(path, voxel_values(stored), spacing, origin, columns[:3, :3].T.ravel().tolist())


def write(volume: Volume, path: Path) -> None:
    """Write uint8, int16 or float32 voxels, compressed; an .mhd gets its voxels in a .zraw file beside it."""
    voxels, element_type = little_endian(volume, _WRITE_TYPES)
    compressed = zlib.compress(voxels, COMPRESSION_LEVEL)
    geometry = volume.geometry
    single = path.suffix.lower() == ".mha"
    data_file = path.with_suffix(".zraw")
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "True",
        "CompressedDataSize": str(len(compressed)),
        # MetaImage lists the direction of each index axis in turn: the matrix by columns.
        "TransformMatrix": _text(geometry.matrix.T.ravel().tolist()),
        "Offset": _text(geometry.origin),
        "CenterOfRotation": "0 0 0",
        "ElementSpacing": _text(geometry.spacing),
        "DimSize": " ".join(str(size) for size in reversed(geometry.shape)),
        "ElementType": element_type,
        "ElementDataFile": "LOCAL" if single else data_file.name,
    }
    header = "".join(f"{key} = {value}\n" for key, value in lines.items()).encode("utf-8")
    if single:
        write_whole(path, (header, compressed))
    else:
        write_whole(data_file, (compressed,))
        write_whole(path, (header,))


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """The header's fields, and the position of the first byte after it."""
    header: dict[str, str] = {}
    with path.open("rb") as file:
        while "ElementDataFile" not in header:
            line = file.readline(MOST_HEADER_BYTES)
            key, equals, value = line.decode("utf-8", errors="replace").partition("=")
            if not line or (line.strip() and not equals) or file.tell() > MOST_HEADER_BYTES:
                raise InputError(f"{path.name} has no MetaImage header; {ACCEPTED}.")
            header[key.strip()] = value.strip()
        return header, file.tell()


def _read_voxels(
    path: Path,
    header: dict[str, str],
    position: int,
    skip: int,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
) -> Array:
    name = header["ElementDataFile"]
    if name.upper().startswith("LIST") or "%" in name or not _is_true(header.get("BinaryData", "True")):
        raise InputError(f"{path.name} keeps its voxels as text or in slices; one binary file is accepted.")
    local = name.upper() == "LOCAL"
    place, start = (path, position) if local else (data_file(path, name), 0)
    packed = _is_true(header.get("CompressedData", "False"))
    if not packed:
        start = TAIL if skip == TAIL else start + skip
    return read_voxels(place, start, shape, dtype, ZLIB_OR_GZIP if packed else None)


def _whole(header: dict[str, str], key: str, default: int) -> int:
    if key not in header:
        return default
    (number,) = whole_numbers(header[key])
    return number


def _numbers(header: dict[str, str], keys: tuple[str, ...], default: list[float]) -> list[float]:
    """The first of ``keys`` that the header has, as as many numbers as ``default``; raises ValueError."""
    for key in keys:
        if key in header:
            numbers = [float(word) for word in header[key].split()]
            if len(numbers) != len(default):
                raise ValueError(f"{key} holds {len(numbers)} numbers, {len(default)} are needed")
            return numbers
    return default


def _text(numbers: tuple[float, ...] | list[float]) -> str:
    return " ".join(repr(float(number)) for number in numbers)


def _is_true(value: str) -> bool:
    return value[:1] in "Tt1" and value != ""
