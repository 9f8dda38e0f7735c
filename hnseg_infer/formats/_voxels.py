"""Voxels from a file, raw or packed: never more memory than the header's size needs, and that is limited.

What a header asks for is held against the file before memory is taken, and a packed stream is unpacked no
further than one byte beyond it, so that neither a damaged nor a made-up header can ask for too much.
"""

import os
import zlib
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from hnseg_infer.errors import InputError
from hnseg_infer.formats._common import MOST_BYTES, shown
from hnseg_infer.volume import Array

TAIL = -1
"""In place of a position: the voxels are the last bytes of the file."""

ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
GZIP = zlib.MAX_WBITS | 16
"""What a packed stream may be."""

_GZIP_START = b"\x1f\x8b"
_PIECE = 2**22


def data_file(path: Path, name: str) -> Path:
    """The file that the header in ``path`` names, which lies beside it or in a folder below.

    Raises InputError for any other place, so that no header can have a file read that is not its own, and
    where there is no such file.
    """
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or not name.isprintable():
        raise InputError(
            f"{path.name} names {shown(name)} as the file of its voxels; one beside it or below is accepted."
        )
    found = path.parent / place
    if not os.path.isfile(found):
        raise InputError(f"{path.name} needs the file {shown(name)} beside it; that data file is missing.")
    return found


def read_voxels(
    path: Path, start: int, shape: tuple[int, int, int], dtype: np.dtype[Any], packing: int | None
) -> Array:
    """Voxels ``[z, y, x]`` from byte ``start`` on, raw or packed as ``packing`` says. Raises InputError."""
    wanted = wanted_bytes(path, shape, dtype)
    content = unpacked(path, start, wanted, packing) if packing else _raw(path, start, wanted)
    return content.view(dtype).reshape(shape)


def wanted_bytes(path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> int:
    """Bytes of an array. Raises InputError when they are too many to be a CT."""
    wanted = prod(shape) * dtype.itemsize
    if wanted > MOST_BYTES:
        raise InputError(
            f"{path.name} asks for {wanted / 2**30:.1f} GiB of voxels; {MOST_BYTES / 2**30} are accepted."
        )
    return wanted


def unpacked(path: Path, start: int, wanted: int, packing: int = GZIP) -> Array:
    """The first ``wanted`` bytes of what is packed from byte ``start`` on, as uint8.

    Raises InputError for a damaged stream, and for one that ends before.
    """
    content = np.empty(wanted, dtype=np.uint8)
    filled = 0
    stream = zlib.decompressobj(packing)
    with path.open("rb") as file:
        file.seek(start)
        packed = file.read(_PIECE)
        while packed:
            try:
                piece = stream.decompress(packed, min(_PIECE, wanted - filled) + 1)
            except zlib.error as error:
                raise InputError(f"{path.name} is damaged: its voxels cannot be unpacked.") from error
            fitting = piece[: wanted - filled]
            content[filled : filled + len(fitting)] = np.frombuffer(fitting, dtype=np.uint8)
            filled += len(fitting)
            if len(piece) > len(fitting):
                return content
            packed = stream.unconsumed_tail
            if stream.eof:
                packed = stream.unused_data or file.read(_PIECE)
                if filled == wanted or not packed.startswith(_GZIP_START):
                    break
                # a gzip file may be several, one behind the other
                stream = zlib.decompressobj(GZIP)
            packed = packed or file.read(_PIECE)
    if filled < wanted:
        raise _cut_short(path, filled, wanted)
    if not stream.eof:
        raise InputError(f"{path.name} is cut short: the end of its packed voxels is missing.")
    return content


def _raw(path: Path, start: int, wanted: int) -> Array:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        held = size if start == TAIL else max(size - start, 0)
        if held < wanted:
            raise _cut_short(path, held, wanted)
        file.seek(size - wanted if start == TAIL else start)
        content = np.empty(wanted, dtype=np.uint8)
        if file.readinto(content.data) < wanted:
            raise _cut_short(path, held, wanted)
    return content


def _cut_short(path: Path, held: int, wanted: int) -> InputError:
    return InputError(f"{path.name} is cut short: it holds {held} of {wanted} bytes of voxels.")
