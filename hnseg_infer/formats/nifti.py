"""NIfTI-1: .nii and .nii.gz.

ITK says where the grid lies, so that other programs see the same grid to the last digit. The
voxels are read here, because ITK takes a cut-short file or a spacing of 0 without a word, and
files are written here, because ITK rounds directions on the way.
NIfTI positions are RAS, stored in single precision. Source: the NIfTI-1 standard (nifti1.h).
"""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.files import write_whole
from hnseg_infer.formats import _nifti_orientation as orientation
from hnseg_infer.formats._common import (
    ACCEPTED,
    COMPRESSION_LEVEL,
    array_shape,
    little_endian,
    make_volume,
    voxel_values,
)
from hnseg_infer.formats._itk import itk_path, simpleitk
from hnseg_infer.formats._voxels import read_voxels, unpacked, wanted_bytes
from hnseg_infer.volume import Volume

_HEADER_SIZE = 348
_VOXELS_AT = 352
_FARTHEST_VOXELS = 2**26
_MAGIC = b"n+1\0"
_MILLIMETRES = 2
_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_COLOUR_TYPES = {128: 3, 2304: 4}
_WRITE_TYPES = {"uint8": "2", "int16": "4", "float32": "16"}


@dataclass(frozen=True)
class _Header:
    """The header fields that matter here, under the standard's names."""

    order: str
    sizes: tuple[int, ...]
    datatype: int
    pixdim: tuple[float, ...]
    vox_offset: int
    slope: float
    intercept: float
    units: int
    qform_code: int
    sform_code: int
    quaternion: NDArray[np.float32]
    srow: NDArray[np.float32]


def read(path: Path) -> Volume:
    """Read a NIfTI-1 file: int16 or float32 voxels ``[z, y, x]``, scaling applied. Raises InputError."""
    packed = path.name.lower().endswith(".gz")
    header = _parse(path, packed)
    shape = array_shape(path, header.sizes, _COLOUR_TYPES.get(header.datatype, 1))
    if header.datatype not in _TYPES:
        raise InputError(
            f"{path.name} holds voxels of NIfTI type {header.datatype}; integers and floats are accepted."
        )
    _check_geometry(path, header)
    dtype = np.dtype(_TYPES[header.datatype]).newbyteorder("<" if header.order == "<" else ">")
    if packed:
        wanted = wanted_bytes(path, shape, dtype)
        content = unpacked(path, 0, header.vox_offset + wanted)
        stored = content[header.vox_offset :].view(dtype).reshape(shape)
    else:
        stored = read_voxels(path, header.vox_offset, shape, dtype, None)
    # ITK prints to standard error about a file that is cut short
    grid = _itk_header(path)
    scaled = header.slope != 0 and np.isfinite([header.slope, header.intercept]).all()
    array = voxel_values(stored, header.slope, header.intercept) if scaled else voxel_values(stored)
    return make_volume(path, array, grid.GetSpacing(), grid.GetOrigin(), grid.GetDirection())


def write(volume: Volume, path: Path) -> None:
    """Write uint8, int16 or float32 voxels; a .nii.gz carries no time stamp, so bytes are reproducible."""
    voxels, datatype = little_endian(volume, _WRITE_TYPES)
    content = _header_bytes(volume, int(datatype)) + bytes(voxels)
    if path.name.lower().endswith(".gz"):
        content = gzip.compress(content, COMPRESSION_LEVEL, mtime=0)
    write_whole(path, (content,))


def _parse(path: Path, packed: bool) -> _Header:
    if packed:
        content = unpacked(path, 0, _VOXELS_AT).tobytes()
    else:
        with path.open("rb") as file:
            content = file.read(_VOXELS_AT)
    order = next((sign for sign in "<>" if content[:4] == struct.pack(sign + "i", _HEADER_SIZE)), "")
    if not order or len(content) < _VOXELS_AT or content[344:348] != _MAGIC:
        raise InputError(f"{path.name} is not a single-file NIfTI-1 image; {ACCEPTED}.")
    dim = struct.unpack_from(order + "8h", content, 40)
    vox_offset, slope, intercept = struct.unpack_from(order + "3f", content, 108)
    qform_code, sform_code = struct.unpack_from(order + "2h", content, 252)
    if not 1 <= dim[0] <= 7 or not _VOXELS_AT <= vox_offset <= _FARTHEST_VOXELS:
        raise InputError(f"{path.name} has a NIfTI header with impossible values.")
    return _Header(
        order=order,
        sizes=dim[1 : 1 + dim[0]],
        datatype=struct.unpack_from(order + "h", content, 70)[0],
        pixdim=struct.unpack_from(order + "4f", content, 76),
        vox_offset=int(vox_offset),
        slope=slope,
        intercept=intercept,
        units=content[123] & 7,
        qform_code=qform_code,
        sform_code=sform_code,
        quaternion=np.array(struct.unpack_from(order + "3f", content, 256), dtype=np.float32),
        srow=np.array(struct.unpack_from(order + "12f", content, 280), dtype=np.float32).reshape(3, 4),
    )


def _check_geometry(path: Path, header: _Header) -> None:
    """Raise InputError where the header leaves doubt about the grid, which ITK would settle by itself."""
    spacing = header.pixdim[1:]
    if header.units not in (0, _MILLIMETRES):
        raise InputError(f"{path.name} states its voxel size in another unit; millimetres are accepted.")
    if not all(np.isfinite(spacing)) or min(spacing) <= 0:
        listed = " x ".join(f"{size:g}" for size in spacing)
        raise InputError(f"{path.name} has a voxel spacing of {listed} mm; positive numbers are accepted.")
    if header.sform_code <= 0 and header.qform_code <= 0:
        raise InputError(
            f"{path.name} says nothing about its orientation (qform and sform code are 0), "
            "so left and right cannot be told."
        )
    if header.sform_code > 0:
        orientation.check_affine(path, header.srow, spacing)
    if header.qform_code > 0:
        orientation.check_quaternion(path, header.quaternion)


def _itk_header(path: Path) -> Any:
    """ITK's reader of the file, with the header read."""
    reader = simpleitk().ImageFileReader()
    reader.SetImageIO("NiftiImageIO")
    reader.SetFileName(itk_path(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(
            f"{path.name} has a damaged NIfTI header or axes that are not perpendicular, as they have to be."
        ) from error
    return reader


def _header_bytes(volume: Volume, datatype: int) -> bytes:
    geometry = volume.geometry
    header = bytearray(_VOXELS_AT)
    affine = orientation.to_affine(geometry)
    qfac, *quaternion = orientation.to_quaternion(geometry)
    struct.pack_into("<i", header, 0, _HEADER_SIZE)
    struct.pack_into("<8h", header, 40, 3, *reversed(geometry.shape), 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, datatype, 8 * volume.array.dtype.itemsize)
    struct.pack_into("<8f", header, 76, qfac, *geometry.spacing, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, _VOXELS_AT, 1.0, 0.0)
    header[123] = _MILLIMETRES
    struct.pack_into("<2h", header, 252, orientation.SCANNER, orientation.SCANNER)
    struct.pack_into("<6f", header, 256, *quaternion, *affine[:, 3])
    struct.pack_into("<12f", header, 280, *affine.ravel())
    header[344:348] = _MAGIC
    return bytes(header)
