"""The headers of DICOM images, as text by tag. Read by ITK and GDCM."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import out_of_memory
from hnseg_infer.formats._common import shown
from hnseg_infer.formats._dicom_structure import check_structure
from hnseg_infer.formats._itk import itk_path, simpleitk

ROWS, COLUMNS, FRAMES = "0028|0010", "0028|0011", "0028|0008"
MODALITY, IMAGE_TYPE, SERIES = "0008|0060", "0008|0008", "0020|000e"
DESCRIPTION, POSITION, ORIENTATION = "0008|103e", "0020|0032", "0020|0037"
PIXEL_SPACING, INTERCEPT, SLOPE = "0028|0030", "0028|1052", "0028|1053"
INSTANCE, LOCATION = "0020|0013", "0020|1041"


@dataclass(frozen=True)
class Slice:
    """One DICOM image file and its header's text values by tag."""

    path: Path
    tags: dict[str, str]

    def numbers(self, tag: str, count: int) -> NDArray[np.float64]:
        """The ``count`` finite numbers of a tag; raises KeyError and ValueError where it holds others."""
        numbers = np.array([float(word) for word in self.tags[tag].split("\\")])
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise ValueError(f"{tag} holds {self.tags[tag]}")
        return numbers

    @property
    def place(self) -> str:
        """Which slice it is and where it lies, in its header's own words."""
        number = self.tags.get(INSTANCE, "")
        name = f"instance {shown(number)}" if number else f"file {self.path.name}"
        places = [
            f"{word} {shown(self.tags[tag])}"
            for word, tag in (("ImagePositionPatient", POSITION), ("SliceLocation", LOCATION))
            if self.tags.get(tag)
        ]
        return f"{name} ({', '.join(places)})"


def read_headers(files: Iterable[Path]) -> list[Slice]:
    """Headers of the files that are DICOM images; others (plans, contours) are left out.

    Raises InputError for a damaged file, as it may be a slice, and OSError.
    """
    reader = simpleitk().ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    found = []
    for file in files:
        check_structure(file)
        reader.SetFileName(itk_path(file))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            if out_of_memory(error):
                raise
            continue
        found.append(Slice(file, {tag: _text(reader, tag) for tag in reader.GetMetaDataKeys()}))
    return found


def _text(reader: Any, tag: str) -> str:
    # Free text may be in an encoding that SimpleITK cannot turn into a string.
    try:
        return str(reader.GetMetaData(tag)).strip(" \0")
    except UnicodeError:
        return ""
