"""NRRD: .nrrd (read and written) and .nhdr (read). Read by ITK; source: Teem's definition of the format."""

import gzip
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.files import write_whole
from hnseg_infer.formats._common import (
    ACCEPTED,
    COMPRESSION_LEVEL,
    array_shape,
    little_endian,
    make_volume,
    voxel_values,
)
from hnseg_infer.formats._itk import simpleitk
from hnseg_infer.volume import Volume

_SPACES = {
    "left-posterior-superior",
    "lps",
    "right-anterior-superior",
    "ras",
    "left-anterior-superior",
    "las",
}
"""Patient coordinate systems that ITK turns into LPS; it takes any other for LPS without a word."""

_WRITE_TYPES = {"uint8": "uint8", "int16": "int16", "float32": "float"}
_LONGEST_LINE = 65536


def read(path: Path) -> Volume:
    """Read an NRRD file: int16 or float32 voxels ``[z, y, x]``. Raises InputError."""
    placed = _is_placed(path)
    itk = simpleitk()
    reader = itk.ImageFileReader()
    reader.SetImageIO("NrrdImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        shape = array_shape(path, reader.GetSize(), reader.GetNumberOfComponents())
        if not all(size > 0 for size in reader.GetSpacing()):
            listed = " x ".join(f"{size:g}" for size in reader.GetSpacing())
            raise InputError(f"{path.name} has a voxel spacing of {listed} mm; positive sizes are accepted.")
        if not placed:
            raise InputError(
                f"{path.name} does not say how it lies in the patient (space and space directions), "
                "so left and right cannot be told."
            )
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(
            f"{path.name} cannot be read as NRRD: it is damaged, cut short or its data file is missing."
        ) from error
    axes = image.GetDimension()
    direction = np.array(image.GetDirection()).reshape(axes, axes)[:3, :3]
    array = voxel_values(itk.GetArrayViewFromImage(image).reshape(shape))
    return make_volume(path, array, image.GetSpacing(), image.GetOrigin(), direction.ravel().tolist())


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


def _is_placed(path: Path) -> bool:
    """Whether the header names a patient coordinate system. Raises InputError for another kind of file."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        if not file.readline(_LONGEST_LINE).startswith(b"NRRD000"):
            raise InputError(f"{path.name} has no NRRD header; {ACCEPTED}.")
        while line := file.readline(_LONGEST_LINE).decode("utf-8", errors="replace").strip():
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip().lower()
    return fields.get("space") in _SPACES and "space directions" in fields


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
