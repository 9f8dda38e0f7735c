"""Tiny CTs in every format that is read, as bytes, with what their headers consist of.

16 x 16 x 8 voxels, so that a thousand are read in seconds, with values that pass for a CT's.
"""

import gzip
import struct
import zlib
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

SHAPE = (8, 16, 16)
VOXELS = np.random.default_rng(0).integers(-1024, 2000, SHAPE).astype("<i2").tobytes()
OUTSIDE_VALUE = 12345
OUTSIDE = np.full(SHAPE, OUTSIDE_VALUE, "<i2").tobytes()
"""Voxels of a file that lies above the folder, where no header may reach."""

METAIMAGE = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "CompressedData = {packed}\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -8 -8 -12\n"
    "ElementSpacing = 1 1 3\nDimSize = 16 16 8\nElementNumberOfChannels = 1\nHeaderSize = 0\n"
    "ElementType = MET_SHORT\nElementDataFile = {file}\n"
)
NRRD = (
    "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 16 16 8\n"
    "space directions: (1,0,0) (0,1,0) (0,0,3)\nkinds: domain domain domain\nendian: little\n"
    "encoding: {encoding}\nspace origin: (-8,-8,-12)\nbyte skip: 0\n{file}\n"
)

Element = tuple[int, int, bytes, bytes]
"""Group, element, two letters of the value's type, value."""


@dataclass(frozen=True)
class Sample:
    """A CT that is read. files: by name in a folder of their own. entry: the one to read, "" for the folder.

    header: bytes at the start of the files of ``headers`` that are their header. parts: where its lines or
    elements begin.
    """

    files: dict[str, bytes]
    entry: str
    headers: tuple[str, ...]
    parts: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.parts[-1]


def metaimages() -> list[Sample]:
    """Raw and packed in one file, raw and packed in two."""
    packed = zlib.compress(VOXELS)
    return [
        _text("ct.mha", METAIMAGE.format(packed="False", file="LOCAL"), VOXELS),
        _text("ct.mha", METAIMAGE.format(packed="True", file="LOCAL"), packed),
        _text("ct.mhd", METAIMAGE.format(packed="False", file="ct.raw"), VOXELS, "ct.raw"),
        _text("ct.mhd", METAIMAGE.format(packed="True", file="ct.zraw"), packed, "ct.zraw"),
    ]


def nrrds() -> list[Sample]:
    """Raw and packed in one file, raw and packed in two."""
    packed = gzip.compress(VOXELS, mtime=0)
    return [
        _text("ct.nrrd", NRRD.format(encoding="raw", file=""), VOXELS),
        _text("ct.nrrd", NRRD.format(encoding="gzip", file=""), packed),
        _text("ct.nhdr", NRRD.format(encoding="raw", file="data file: ct.raw\n"), VOXELS, "ct.raw"),
        _text("ct.nhdr", NRRD.format(encoding="gzip", file="data file: ct.raw.gz\n"), packed, "ct.raw.gz"),
    ]


def niftis() -> list[Sample]:
    """With sform and qform, with qform alone, with an extension; as such: they are packed when mutated."""
    return [_nifti(sform=1, extension=b""), _nifti(sform=0, extension=b""), _nifti(1, bytes(range(24)))]


def dicoms() -> list[Sample]:
    """Eight slices, with implicit and with explicit types."""
    return [_series(explicit=False), _series(explicit=True)]


def _text(name: str, header: str, voxels: bytes, beside: str = "") -> Sample:
    lines = header.encode().splitlines(keepends=True)
    files = {name: header.encode(), beside: voxels} if beside else {name: header.encode() + voxels}
    return Sample(files, name, (name,), tuple(accumulate(map(len, lines), initial=0)))


def _nifti(sform: int, extension: bytes) -> Sample:
    extended = struct.pack("<4B2i", 1, 0, 0, 0, 8 + len(extension), 6) + extension
    after = extended if extension else bytes(4)
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *SHAPE[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 3, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 348 + len(after), 1, 0)
    header[123] = 2
    struct.pack_into("<2h", header, 252, 1, sform)
    struct.pack_into("<6f", header, 256, 0, 0, 0, 8, 8, -12)
    struct.pack_into("<12f", header, 280, 1, 0, 0, 8, 0, 1, 0, 8, 0, 0, 3, -12)
    header[344:348] = b"n+1\0"
    whole = bytes(header) + after
    return Sample({"ct.nii": whole + VOXELS}, "ct.nii", ("ct.nii",), (0, len(whole)))


def _series(explicit: bool) -> Sample:
    size = len(VOXELS) // SHAPE[0]
    files = {}
    parts: tuple[int, ...] = ()
    for number in range(SHAPE[0]):
        elements = _slice(number, explicit)
        encoded = [encode(element, explicit or element[0] == 2) for element in elements]
        pixels = VOXELS[number * size : (number + 1) * size]
        last = encode((0x7FE0, 0x0010, b"OW", pixels), explicit)
        start = bytes(128) + b"DICM"
        files[f"{number}.dcm"] = start + b"".join(encoded) + last
        parts = tuple(accumulate(map(len, (*encoded, last[: -len(pixels)])), initial=len(start)))
    return Sample(files, "", tuple(files), parts)


def encode(element: Element, explicit: bool) -> bytes:
    """An element in little endian."""
    group, number, kind, value = element
    if not explicit:
        return struct.pack("<2HI", group, number, len(value)) + value
    if kind in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return struct.pack("<2H2s2xI", group, number, kind, len(value)) + value
    return struct.pack("<2H2sH", group, number, kind, len(value)) + value


def _slice(number: int, explicit: bool) -> list[Element]:
    """All elements but the pixels; values of every slice are as long, so that all headers are."""
    syntax = b"1.2.840.10008.1.2.1\0" if explicit else b"1.2.840.10008.1.2\0"
    uid = b"1.2.3.%d\0" % number
    texts: list[Element] = [
        (0x0002, 0x0001, b"OB", b"\0\1"),
        (0x0002, 0x0002, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        (0x0002, 0x0003, b"UI", uid),
        (0x0002, 0x0010, b"UI", syntax),
        (0x0002, 0x0012, b"UI", b"1.2.3.99"),
    ]
    start: Element = (0x0002, 0x0000, b"UL", struct.pack("<I", len(b"".join(encode(e, True) for e in texts))))
    return [
        start,
        *texts,
        (0x0008, 0x0008, b"CS", b"ORIGINAL\\PRIMARY\\AXIAL "),
        (0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        (0x0008, 0x0018, b"UI", uid),
        (0x0008, 0x0060, b"CS", b"CT"),
        (0x0008, 0x103E, b"LO", b"head"),
        (0x0010, 0x0010, b"PN", b"A^B "),
        (0x0020, 0x000D, b"UI", b"1.2.3.4\0"),
        (0x0020, 0x000E, b"UI", b"1.2.3.5\0"),
        (0x0020, 0x0013, b"IS", b"%d " % number),
        (0x0020, 0x0032, b"DS", b"-8\\-8\\%02d" % (3 * number)),
        (0x0020, 0x0037, b"DS", b"1\\0\\0\\0\\1\\0 "),
        (0x0020, 0x1041, b"DS", b"%02d" % (3 * number)),
        (0x0028, 0x0002, b"US", struct.pack("<H", 1)),
        (0x0028, 0x0004, b"CS", b"MONOCHROME2 "),
        (0x0028, 0x0008, b"IS", b"1 "),
        (0x0028, 0x0010, b"US", struct.pack("<H", SHAPE[1])),
        (0x0028, 0x0011, b"US", struct.pack("<H", SHAPE[2])),
        (0x0028, 0x0030, b"DS", b"1\\1 "),
        (0x0028, 0x0100, b"US", struct.pack("<H", 16)),
        (0x0028, 0x0101, b"US", struct.pack("<H", 16)),
        (0x0028, 0x0102, b"US", struct.pack("<H", 15)),
        (0x0028, 0x0103, b"US", struct.pack("<H", 1)),
        (0x0028, 0x1052, b"DS", b"0 "),
        (0x0028, 0x1053, b"DS", b"1 "),
    ]
