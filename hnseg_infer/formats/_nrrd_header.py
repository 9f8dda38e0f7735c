"""What an NRRD header says. Source: Teem's definition of the format, and how ITK turns it into a grid.

Physical quantities are LPS millimetres; sizes and vectors are listed with the fastest axis (x) first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.formats._common import ACCEPTED, MOST_HEADER_BYTES, shown, whole_numbers

_SPACES = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}
"""Patient coordinate systems, and the signs that turn them into LPS."""

_SHORT_NAMES = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip"}

_VECTOR = re.compile(r"none|\([^()]*\)")


@dataclass(frozen=True)
class Header:
    """The fields by lower-case name, and the position of the first byte behind the header."""

    fields: Mapping[str, str]
    end: int

    def text(self, name: str, default: str = "") -> str:
        """A field in lower case."""
        return self.fields.get(name, default).lower()

    def number(self, name: str, default: int) -> int:
        """A field that is one whole number; raises ValueError."""
        (number,) = whole_numbers(self.fields.get(name, str(default)))
        return number


@dataclass(frozen=True)
class Axes:
    """sizes of the axes in space, and of the one before them that is none (1: each voxel is one value)."""

    sizes: list[int]
    components: int


def read_header(path: Path) -> Header:
    """Raises InputError for another kind of file."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        if not file.readline(MOST_HEADER_BYTES).startswith(b"NRRD000"):
            raise InputError(f"{path.name} has no NRRD header; {ACCEPTED}.")
        while line := file.readline(MOST_HEADER_BYTES).decode("utf-8", errors="replace").strip():
            name, _, value = line.partition(":")
            # := is the writer's own remark
            if line.startswith("#") or value.startswith("="):
                continue
            name = name.strip().lower()
            name = _SHORT_NAMES.get(name, name)
            if name in fields or file.tell() > MOST_HEADER_BYTES:
                raise InputError(f"{path.name} has a damaged NRRD header: {shown(name)} stands there twice.")
            fields[name] = value.strip()
        return Header(fields, file.tell())


def axes(header: Header) -> Axes:
    """The axes' sizes. Raises KeyError and ValueError where fields are missing or contradict each other."""
    sizes = whole_numbers(header.fields["sizes"])
    dimension = header.number("dimension", 0)
    counts = {"sizes": len(sizes)}
    if "kinds" in header.fields:
        counts["kinds"] = len(header.fields["kinds"].split())
    vectors = _VECTOR.findall(header.text("space directions"))
    if "space directions" in header.fields:
        counts["space directions"] = len(vectors)
    for name, count in counts.items():
        if count != dimension:
            raise ValueError(f"{count} {name} for {dimension} axes")
    if len(sizes) > 3 and vectors[:1] == ["none"]:
        return Axes(sizes[1:], sizes[0])
    return Axes(sizes, 1)


def grid(
    path: Path, header: Header
) -> tuple[Sequence[float], NDArray[np.float64], NDArray[np.float64]]:
    """Spacing (x, y, z), origin and direction (columns are index axes), with ITK's order of operations.

    Raises InputError where the header does not say how the image lies in the patient, ValueError where what
    it says is no numbers.
    """
    signs = _SPACES.get(header.text("space"))
    if signs is None or "space directions" not in header.fields:
        raise InputError(
            f"{path.name} does not say how it lies in the patient (space and space directions), "
            "so left and right cannot be told."
        )
    found = [text for text in _VECTOR.findall(header.text("space directions")) if text != "none"]
    vectors = [_vector(text) for text in found[:3]]
    lengths = [_length(vector) for vector in vectors]
    if len(lengths) < 3 or not all(length > 0 for length in lengths):
        listed = " x ".join(f"{length:g}" for length in lengths)
        raise InputError(f"{path.name} has a voxel spacing of {listed} mm; positive sizes are accepted.")
    direction = np.column_stack(
        [vector * (1.0 / length) * signs for vector, length in zip(vectors, lengths, strict=True)]
    )
    return lengths, _vector(header.text("space origin", "(0,0,0)")) * signs, direction


def _vector(text: str) -> NDArray[np.float64]:
    numbers = np.array([float(word) for word in text.strip("() ").split(",")])
    if len(numbers) != 3:
        raise ValueError(f"{text} is no vector of 3 numbers")
    return numbers


def _length(vector: NDArray[np.float64]) -> float:
    x, y, z = (float(value) for value in vector)
    return float(np.sqrt(x * x + y * y + z * z))
