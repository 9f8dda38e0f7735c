"""Whether the elements of a DICOM file lie within each other and within the file.

GDCM takes as much memory as an element's length says before it looks whether the file holds as much, and
reads on in other ways where a type is none. So lengths are followed here first. Source: DICOM part 5, 7.1,
7.5, A.4 and part 10, 7.1.
"""

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

from hnseg_infer.errors import InputError

_SHORT = frozenset(
    (
        *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO"),
        *("LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"),
    )
)
"""Types with a length of two bytes; the others have one of four behind two that are reserved."""

_LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_SYNTAX, _PIXELS = (0x0002, 0x0010), (0x7FE0, 0x0010)
_BIG_ENDIAN, _DEFLATED = b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"

_MOST_ELEMENTS = 100_000
_DEEPEST = 16


class _BrokenError(Exception):
    """The file does not hold what it says."""


class _Element(NamedTuple):
    """value: where it begins. length may be _UNDEFINED; sequence: whether it holds items."""

    tag: tuple[int, int]
    value: int
    length: int
    sequence: bool
    explicit: bool


def check_structure(path: Path) -> None:
    """Raise InputError unless every length in a DICOM file holds; deflated files are refused, too."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            _Walk(content).file()
        except _BrokenError:
            raise InputError(f"{path} is a DICOM file that is damaged, cut short or deflated.") from None


class _Walk:
    """Goes through a file once; every method returns the position behind what it is named after."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._order = "<"
        self._left = _MOST_ELEMENTS

    def file(self) -> None:
        """Raises _BrokenError."""
        content = self._content
        at = 132 if content[128:132] == b"DICM" else 0
        end = len(content)
        syntax = b""
        while at < end and self._group(at) == 2:
            element = self._element(at, end, explicit=True)
            if element.tag == _SYNTAX:
                syntax = content[element.value : element.value + element.length].strip(b" \0")
            at = self._behind(element, end, 0)
        if syntax == _DEFLATED:
            raise _BrokenError
        self._order = ">" if syntax == _BIG_ENDIAN else "<"
        # the first element tells; some writers state another form than theirs
        explicit = content[at + 4 : at + 6].decode("latin-1") in _SHORT | _LONG
        while at < end:
            element = self._element(at, end, explicit)
            at = self._behind(element, end, 0)
            # some writers fill the last block of a medium with zeros
            if element.tag == _PIXELS and end - at <= 2**16 and not any(content[at:end]):
                return

    def _group(self, at: int) -> int:
        return int.from_bytes(self._content[at : at + 2], "little")

    def _element(self, at: int, end: int, explicit: bool) -> _Element:
        self._left -= 1
        if at + 8 > end or self._left < 0:
            raise _BrokenError
        group, number = struct.unpack_from(f"{self._order}2H", self._content, at)
        kind = self._content[at + 4 : at + 6].decode("latin-1") if explicit and group != 0xFFFE else ""
        if kind in _SHORT:
            (length,) = struct.unpack_from(f"{self._order}H", self._content, at + 6)
            return _Element((group, number), at + 8, length, False, True)
        if kind and (kind not in _LONG or at + 12 > end):
            raise _BrokenError
        value = at + 12 if kind else at + 8
        (length,) = struct.unpack_from(f"{self._order}I", self._content, value - 4)
        # where no type says so, a sequence is known by its first item, and is written in implicit form
        untyped = kind in ("", "UN")
        item = self._content[value : value + 4] == struct.pack(f"{self._order}2H", *_ITEM)
        sequence = kind == "SQ" or (untyped and item and (group, number) != _PIXELS)
        return _Element((group, number), value, length, sequence, not untyped)

    def _behind(self, element: _Element, end: int, depth: int) -> int:
        if element.length == _UNDEFINED:
            return self._items(element, end, depth, bounded=False)
        last = element.value + element.length
        if last > end:
            raise _BrokenError
        if element.sequence and element.length:
            self._items(element, last, depth, bounded=True)
        return last

    def _items(self, element: _Element, end: int, depth: int, *, bounded: bool) -> int:
        """The items of a sequence, or the fragments of packed pixels."""
        if depth >= _DEEPEST:
            raise _BrokenError
        at = element.value
        while at < end or not bounded:
            item = self._element(at, end, explicit=False)
            at = item.value
            if item.tag == _SEQUENCE_END and not bounded:
                return at
            if item.tag != _ITEM or (item.length != _UNDEFINED and at + item.length > end):
                raise _BrokenError
            if element.tag == _PIXELS:
                at += item.length
                continue
            last = end if item.length == _UNDEFINED else at + item.length
            at = self._item(at, last, element.explicit, depth + 1, bounded=item.length != _UNDEFINED)
        return at

    def _item(self, at: int, end: int, explicit: bool, depth: int, *, bounded: bool) -> int:
        while at < end or not bounded:
            element = self._element(at, end, explicit)
            if element.tag == _ITEM_END and not bounded:
                return element.value
            at = self._behind(element, end, depth)
        return at
