"""Reading CTs and label volumes, writing volumes: one file per format, chosen by the path's suffix.

Arrays are ``[z, y, x]`` on the file's own grid, geometry is LPS millimetres; nothing is turned or resampled.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from hnseg_infer.errors import InputError
from hnseg_infer.formats import dicom, metaimage, nifti, nrrd
from hnseg_infer.formats._common import ACCEPTED
from hnseg_infer.formats.folders import dicom_files, image_files, refuse_dangling
from hnseg_infer.volume import Volume

__all__ = ["SUFFIXES", "ct_file", "read_ct", "read_labels", "stem", "write"]


class _Format(Protocol):
    def read(self, path: Path) -> Volume: ...

    def write(self, volume: Volume, path: Path) -> None: ...


_FORMATS: dict[str, _Format] = {
    ".mha": metaimage,
    ".mhd": metaimage,
    ".nii.gz": nifti,
    ".nii": nifti,
    ".nrrd": nrrd,
    ".nhdr": nrrd,
}

SUFFIXES = tuple(_FORMATS)
"""Suffixes of the image files that can be read; all but .nhdr can be written."""


def read_ct(path: Path | str) -> Volume:
    """Read a CT file, or a folder that holds one file or DICOM CT series, as stored: int16 or float32 HU.

    Raises InputError when there is no such file, it is damaged, or it holds no 3D CT.
    """
    path = ct_file(Path(path))
    if not path.is_dir():
        return _read_file(path)
    with _readable(path):
        return dicom.read(path)


def ct_file(path: Path) -> Path:
    """The one image file of a folder in which no DICOM file lies; any other path itself.

    Raises InputError when such a folder holds several images, or cannot be looked through.
    """
    if not path.is_dir():
        return path
    with _readable(path):
        images = image_files(path, SUFFIXES)
        if not images or any(dicom_files(path)):
            return path
    if len(images) > 1:
        names = ", ".join(image.name for image in images[:5])
        raise InputError(f"The folder {path} holds {len(images)} images ({names}); one CT is accepted.")
    return images[0]


def read_labels(path: Path | str) -> Volume:
    """Read a label file as uint8. Raises InputError when a value is not a whole number from 0 to 255."""
    path = Path(path)
    volume = _read_file(path)
    with np.errstate(invalid="ignore"):
        labels = volume.array.astype(np.uint8)
    if not np.array_equal(labels, volume.array):
        raise InputError(f"{path.name} holds other values than whole numbers from 0 to 255, as labels are.")
    return Volume(labels, volume.geometry)


def write(volume: Volume, path: Path | str) -> None:
    """Write uint8, int16 or float32 voxels in the format of the path's suffix, compressed.

    The file appears complete or not at all, equal volumes give equal bytes, and MetaImage keeps
    every digit of the geometry; NIfTI keeps single precision, which is all that a grid that was
    read from NIfTI has. Raises InputError for any other suffix, ValueError for other voxel types.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix not in _FORMATS or suffix == ".nhdr":
        raise InputError(f"{path.name} cannot be written: .mha, .mhd, .nii, .nii.gz and .nrrd files can.")
    _FORMATS[suffix].write(volume, path)


def stem(path: Path) -> str:
    """The file's name without its image suffix, or a folder's name: what results are named after."""
    # a link is named as it was given; what has no name, such as "..", as the folder that it stands for
    name = path.name if path.name not in ("", "..") else path.resolve().name
    suffix = _suffix(path)
    return name[: -len(suffix)] if suffix in _FORMATS and not path.is_dir() else name


def _read_file(path: Path) -> Volume:
    refuse_dangling(path)
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    if not path.is_file():
        raise InputError(f"{path.name} is not a file; {ACCEPTED}.")
    suffix = _suffix(path)
    if suffix == ".dcm":
        raise InputError(f"{path.name} is one DICOM file; give the folder that holds the whole series.")
    if suffix not in _FORMATS:
        raise InputError(f"{path.name} has an unknown suffix; {ACCEPTED}.")
    with _readable(path):
        return _FORMATS[suffix].read(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((suffix for suffix in _FORMATS if name.endswith(suffix)), path.suffix.lower())
