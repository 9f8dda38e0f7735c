"""Headers changed at random: single bytes, or what a line, a field or an element says."""

import gzip
import struct
from collections.abc import Callable

import numpy as np
from mutated_samples import Sample, dicoms, metaimages, niftis, nrrds

Rng = np.random.Generator
Change = Callable[[bytes, Sample, Rng], bytes]

NUMBERS = (
    b"0 -1 1 2 3 7 16 255 nan inf -inf 1e308 -1e308 1e-320 1e5 0x10 32768 65535 2147483647 2147483648 "
    b"4294967296 9223372036854775808 -9223372036854775809"
).split()
TEXTS = (
    *NUMBERS,
    b"",
    b" ",
    b"\0",
    b"9" * 5000,
    b"x" * 100_000,
    b"1 " * 10_000,
    b"\xff\xfe",
    b"\x1b[2J",
    b"%s%n",
    b"LOCAL",
    b"LIST",
    b"True",
    b"none",
    b"(0,0,0)",
    b"gzip",
    b"double",
    b"MET_DOUBLE",
    b"../outside.raw",
    b"/etc/passwd",
    b".",
    b"ct.raw",
)
LENGTHS = (0, 1, 3, 0xFE, 0xFFFE, 0xFFFF, 0x7FFFFFFE, 0xFFFFFFFE, 0xFFFFFFFF)
TYPES = b"SQ UN OB OW US DS IS UI LO PN AT FD UT XX".split()

NIFTI_FIELDS = {
    "<h": (40, 42, 44, 46, 48, 50, 52, 54, 68, 70, 72, 74, 120, 252, 254),
    "<f": (56, 76, 80, 84, 88, 92, 96, 108, 112, 116, 256, 260, 264, 268, 280, 284, 292, 296, 320, 324),
    "<i": (0, 348, 352, 356),
    "<B": (38, 39, 122, 123, 344, 345, 346, 347),
}
"""Offsets of the header's fields by their type."""

NIFTI_VALUES = {
    "<h": (-32768, -1, 0, 1, 2, 3, 4, 5, 7, 8, 16, 255, 32767),
    "<f": (0.0, -1.0, 1.0, 352.0, 353.5, 1e38, -1e38, 1e-45, 2.0**31, 2.0**63, np.nan, np.inf, -np.inf),
    "<i": (-1, 0, 7, 540, 2**31 - 1),
    "<B": (0, 1, 3, 128, 255),
}


def mutated(name: str, rng: Rng) -> Sample:
    """A sample of a format in FORMATS, its header changed in one to three places."""
    samples, changes = FORMATS[name]
    sample = samples[int(rng.integers(len(samples)))]
    # of a series one slice, or all of them alike
    one = int(rng.integers(len(sample.headers)))
    chosen = sample.headers if rng.random() < 0.5 else sample.headers[one : one + 1]
    seed = int(rng.integers(2**32))
    files = dict(sample.files)
    for file in chosen:
        same = np.random.default_rng(seed)
        for _ in range(int(same.choice([1, 1, 1, 2, 3]))):
            change = changes[int(same.integers(len(changes)))]
            files[file] = change(files[file], sample, same)
    if name == "NIfTI" and rng.random() < 0.5:
        return _packed(files, rng)
    return Sample(files, sample.entry, sample.headers, sample.parts)


def _packed(files: dict[str, bytes], rng: Rng) -> Sample:
    content = gzip.compress(files["ct.nii"], mtime=0)
    if rng.random() < 0.3:
        content = one_byte(content, Sample({}, "", (), (0, len(content))), rng)
    return Sample({"ct.nii.gz": content}, "ct.nii.gz", ("ct.nii.gz",), (0,))


def one_byte(content: bytes, sample: Sample, rng: Rng) -> bytes:
    """A byte or a few flipped, replaced, inserted, removed or doubled, or all behind them cut off."""
    at, count = int(rng.integers(sample.end)), int(rng.integers(1, 17))
    noise = rng.bytes(count)
    kind = int(rng.integers(6))
    if kind == 0:
        flipped = bytes(byte ^ (1 << int(rng.integers(8))) for byte in content[at : at + 1])
        return content[:at] + flipped + content[at + 1 :]
    if kind == 5:
        return content[:at]
    middle = (noise, noise + content[at : at + count], b"", content[at : at + count] * 2)[kind - 1]
    return content[:at] + middle + content[at + count :]


def whole_part(content: bytes, sample: Sample, rng: Rng) -> bytes:
    """A line or an element removed, doubled, or put in another's place."""
    start, end = _part(sample, rng)
    other = content[slice(*_part(sample, rng))]
    middle = (b"", content[start:end] * 2, other, other + content[start:end])[int(rng.integers(4))]
    return content[:start] + middle + content[end:]


def line_value(content: bytes, sample: Sample, rng: Rng) -> bytes:
    """What a line says, or one word of it, replaced; sometimes its name."""
    start, end = _part(sample, rng)
    line = content[start:end].rstrip(b"\n")
    separator = b"=" if b"=" in line else b":"
    name, _, value = line.partition(separator)
    new = TEXTS[int(rng.integers(len(TEXTS)))]
    words = value.split()
    if rng.random() < 0.1:
        name = content[slice(*_part(sample, rng))].partition(separator)[0]
    elif words and rng.random() < 0.5:
        words[int(rng.integers(len(words)))] = new
        new = b" ".join(words)
    return content[:start] + name + separator + b" " + new + b"\n" + content[end:]


def nifti_field(content: bytes, sample: Sample, rng: Rng) -> bytes:
    """One to three fields in a row of one type."""
    form = list(NIFTI_FIELDS)[int(rng.choice(4, p=[0.45, 0.4, 0.05, 0.1]))]
    offsets = NIFTI_FIELDS[form]
    first = int(rng.integers(len(offsets)))
    changed = bytearray(content)
    for offset in offsets[first : first + int(rng.integers(1, 4))]:
        values = NIFTI_VALUES[form]
        if offset + 4 <= len(changed):
            struct.pack_into(form, changed, offset, values[int(rng.integers(len(values)))])
    return bytes(changed)


def element_value(content: bytes, sample: Sample, rng: Rng) -> bytes:
    """An element with another value of the right length, with a wrong length, another type or another tag."""
    start, end = _part(sample, rng)
    element = content[start:end]
    explicit = element[4:6].isalpha() and element[4:6].isupper()
    kind = int(rng.integers(5))
    if kind == 3 and explicit:
        element = element[:4] + TYPES[int(rng.integers(len(TYPES)))] + element[6:]
    elif kind == 4:
        group = int(rng.choice([2, 8, 40, 0x7FE0, 0xFFFE]))
        element = struct.pack("<2H", group, int(rng.integers(2**16))) + element[4:]
    elif kind == 2:
        length = LENGTHS[int(rng.integers(len(LENGTHS)))]
        element = _header(element, explicit, length) + element[8:]
    else:
        value = TEXTS[int(rng.integers(len(TEXTS)))][:65534]
        if len(element) == 10 and rng.random() < 0.7:
            value = struct.pack("<H", int(rng.choice([0, 1, 2, 3, 8, 12, 16, 17, 32, 64, 255, 32768, 65535])))
        value += b" " * (len(value) % 2)
        element = _header(element, explicit, len(value)) + value
    return content[:start] + element + content[end:]


def _header(element: bytes, explicit: bool, length: int) -> bytes:
    """The first eight bytes of an element, with another length."""
    if explicit:
        return element[:6] + struct.pack("<H", length & 0xFFFF)
    return element[:4] + struct.pack("<I", length)


def _part(sample: Sample, rng: Rng) -> tuple[int, int]:
    index = int(rng.integers(len(sample.parts) - 1))
    return sample.parts[index], sample.parts[index + 1]


FORMATS: dict[str, tuple[list[Sample], tuple[Change, ...]]] = {
    "MetaImage": (metaimages(), (one_byte, whole_part, line_value, line_value)),
    "NIfTI": (niftis(), (one_byte, nifti_field, nifti_field)),
    "NRRD": (nrrds(), (one_byte, whole_part, line_value, line_value)),
    "DICOM": (dicoms(), (one_byte, whole_part, element_value, element_value)),
}
"""Samples and changes by format."""
