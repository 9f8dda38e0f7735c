"""DICOM files whose lengths hold, and those in which one does not. Written here byte by byte."""

import struct
from pathlib import Path

import pytest

from hnseg_infer.errors import InputError
from hnseg_infer.formats._dicom_structure import check_structure

UNDEFINED = 0xFFFFFFFF
ITEM_END, SEQUENCE_END = struct.pack("<2HI", 0xFFFE, 0xE00D, 0), struct.pack("<2HI", 0xFFFE, 0xE0DD, 0)


def short(group: int, number: int, kind: bytes, value: bytes) -> bytes:
    return struct.pack("<2H2sH", group, number, kind, len(value)) + value


def long(group: int, number: int, kind: bytes, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<2H2s2xI", group, number, kind, len(value) if length is None else length) + value


def implicit(group: int, number: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<2HI", group, number, len(value) if length is None else length) + value


def item(value: bytes, length: int | None = None) -> bytes:
    return implicit(0xFFFE, 0xE000, value, length)


def meta(syntax: bytes) -> bytes:
    return bytes(128) + b"DICM" + short(2, 0x10, b"UI", syntax)


EXPLICIT, IMPLICIT = meta(b"1.2.840.10008.1.2.1\0"), meta(b"1.2.840.10008.1.2\0")
CT = short(8, 0x60, b"CS", b"CT")
PIXELS = long(0x7FE0, 0x10, b"OW", b"12345678")
CLOSED = long(8, 0x1140, b"SQ", item(CT) + item(b"") + item(CT + CT))
OPEN = long(8, 0x1140, b"SQ", item(CT + CLOSED + ITEM_END, UNDEFINED) + item(CT) + SEQUENCE_END, UNDEFINED)
UNTYPED = long(9, 0x1001, b"UN", item(implicit(8, 0x60, b"CT")) + SEQUENCE_END, UNDEFINED)
FRAGMENTS = long(0x7FE0, 0x10, b"OB", item(b"") + item(b"\xff\xd8") + SEQUENCE_END, UNDEFINED)
IMPLICIT_CT = implicit(8, 0x60, b"CT")
IMPLICIT_OPEN = implicit(8, 0x1140, item(IMPLICIT_CT + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED)


@pytest.mark.parametrize(
    "content",
    [
        EXPLICIT + CT + PIXELS,
        EXPLICIT + CT + CLOSED + OPEN + UNTYPED + PIXELS,
        EXPLICIT + CT + FRAGMENTS,
        EXPLICIT + CT + PIXELS + bytes(500),
        IMPLICIT + IMPLICIT_CT + IMPLICIT_OPEN + implicit(0x7FE0, 0x10, b"\xfe\xff\x00\xe0" * 4),
        # the types are there though the syntax says that they are not, and the other way round
        IMPLICIT + CT + PIXELS,
        EXPLICIT + IMPLICIT_CT,
        # without the first part
        IMPLICIT_CT,
        meta(b"1.2.840.10008.1.2.2\0") + struct.pack(">2H2sH", 8, 0x60, b"CS", 2) + b"CT",
    ],
)
def test_lengths_that_hold(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.dcm").write_bytes(content)
    check_structure(tmp_path / "1.dcm")


def nested(depth: int) -> bytes:
    return long(8, 0x1140, b"SQ", item(nested(depth - 1))) if depth else CT


@pytest.mark.parametrize(
    "content",
    [
        EXPLICIT + CT + PIXELS[:-1],
        EXPLICIT + long(0x7FE0, 0x10, b"OW", b"12345678", 0x7FFFFFFF),
        EXPLICIT + CT + b"\x08\0",
        EXPLICIT + short(8, 0x60, b"??", b"CT") + PIXELS,
        EXPLICIT + CT + short(8, 0x61, b"\0\0", b"CT") + PIXELS,
        EXPLICIT + CT + long(8, 0x1140, b"SQ", item(CT, len(CT) + 1)),
        EXPLICIT + CT + long(8, 0x1140, b"SQ", item(short(8, 0x60, b"CS", b"CT")[:-1])),
        EXPLICIT + CT + long(8, 0x1140, b"SQ", item(CT), UNDEFINED),
        EXPLICIT + CT + long(8, 0x1140, b"SQ", CT + SEQUENCE_END, UNDEFINED),
        EXPLICIT + CT + long(0x7FE0, 0x10, b"OB", item(b"\xff\xd8", 200) + SEQUENCE_END, UNDEFINED),
        EXPLICIT + CT + PIXELS + bytes(500) + b"\x01",
        EXPLICIT + nested(50) + PIXELS,
        IMPLICIT + implicit(8, 0x60, b"CT", 0x7FFFFFFE),
        IMPLICIT + implicit(8, 0x1140, item(IMPLICIT_CT, 11)),
        IMPLICIT + implicit(0, 0, b"") * 100_001,
        meta(b"1.2.840.10008.1.2.1.99") + b"packed",
    ],
)
def test_a_length_that_does_not_hold(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.dcm").write_bytes(content)
    with pytest.raises(InputError, match=r"1\.dcm is a DICOM file that is damaged, cut short or deflated"):
        check_structure(tmp_path / "1.dcm")
