"""A folder that holds a DICOM CT series, one file per slice. Read by ITK and GDCM.

ITK takes the first slice's word for the whole stack, so slices are compared here before it reads
them: same grid, no gap, no doubles, no gantry tilt. Positions are LPS mm.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.formats._common import ACCEPTED, make_volume, voxel_values
from hnseg_infer.formats._itk import simpleitk
from hnseg_infer.volume import Volume

MINIMUM_SLICES = 8
"""A series of fewer slices is a scout or a sample, not a planning CT."""

POSITION_TOLERANCE = 0.1
"""mm by which a slice may lie off its place: positions are often stored rounded to a tenth."""

_ROWS, _COLUMNS, _FRAMES = "0028|0010", "0028|0011", "0028|0008"
_MODALITY, _IMAGE_TYPE, _SERIES = "0008|0060", "0008|0008", "0020|000e"
_DESCRIPTION, _POSITION, _ORIENTATION = "0008|103e", "0020|0032", "0020|0037"
_PIXEL_SPACING, _INTERCEPT, _SLOPE = "0028|0030", "0028|1052", "0028|1053"


@dataclass(frozen=True)
class _Slice:
    """One DICOM image file and its header's text values by tag."""

    path: Path
    tags: dict[str, str]

    def numbers(self, tag: str) -> NDArray[np.float64]:
        return np.array([float(word) for word in self.tags[tag].split("\\")])


def read(path: Path) -> Volume:
    """Read the one CT series in a folder or its direct subfolders: int16 or float32 HU ``[z, y, x]``.

    Scouts and other modalities are passed over. Raises InputError when there is not exactly one
    series of more than a few slices, or when its slices do not stack into a regular grid.
    """
    slices = _ordered(path, _ct_series(path))
    itk = simpleitk()
    reader = itk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(item.path) for item in slices])
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path.name} holds a DICOM CT series with a damaged or cut-short slice.") from error
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path.name} holds colour images; a CT with one value per voxel is accepted.")
    array = voxel_values(itk.GetArrayViewFromImage(image))
    return make_volume(path, array, image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def _ct_series(path: Path) -> list[_Slice]:
    """The slices of the only CT series, in no order."""
    files = sorted(item for item in (*path.glob("*"), *path.glob("*/*")) if item.is_file())
    if not files:
        raise InputError(f"The folder {path.name} is empty; {ACCEPTED}.")
    series: dict[str, list[_Slice]] = defaultdict(list)
    for item in _headers(files):
        series[item.tags.get(_SERIES, "")].append(item)
    if not series:
        raise InputError(f"The folder {path.name} holds no DICOM images; {ACCEPTED}.")
    stacks = [slices for slices in series.values() if _is_ct_stack(slices)]
    if len(stacks) == 1:
        return stacks[0]
    if len(stacks) > 1:
        listed = "; ".join(_described(slices) for slices in stacks)
        raise InputError(f"The folder {path.name} holds {len(stacks)} CT series, one is accepted: {listed}.")
    listed = "; ".join(_described(slices) for slices in series.values())
    raise InputError(
        f"The folder {path.name} holds no CT series of {MINIMUM_SLICES} or more single-slice files, "
        f"only: {listed}."
    )


def _headers(files: list[Path]) -> list[_Slice]:
    """Headers of the files that are DICOM images; others (plans, contours, text) are left out."""
    reader = simpleitk().ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    found = []
    for file in files:
        reader.SetFileName(str(file))
        try:
            reader.ReadImageInformation()
        except RuntimeError:
            continue
        found.append(_Slice(file, {tag: _text(reader, tag) for tag in reader.GetMetaDataKeys()}))
    return found


def _text(reader: Any, tag: str) -> str:
    # Free text may be in an encoding that SimpleITK cannot turn into a string.
    try:
        return str(reader.GetMetaData(tag)).strip(" \0")
    except UnicodeError:
        return ""


def _is_ct_stack(slices: list[_Slice]) -> bool:
    first = slices[0].tags
    scout = "LOCALIZER" in first.get(_IMAGE_TYPE, "").upper()
    single_frames = all(item.tags.get(_FRAMES, "1") in ("", "1") for item in slices)
    return first.get(_MODALITY) == "CT" and not scout and single_frames and len(slices) >= MINIMUM_SLICES


def _described(slices: list[_Slice]) -> str:
    first = slices[0].tags
    return f"{first.get(_MODALITY) or 'unknown'} '{first.get(_DESCRIPTION, '')}' of {len(slices)} file(s)"


def _ordered(path: Path, slices: list[_Slice]) -> list[_Slice]:
    """The slices in order along their normal. Raises InputError unless they form a regular grid."""
    for tag in (_ROWS, _COLUMNS, _PIXEL_SPACING, _ORIENTATION, _SLOPE, _INTERCEPT):
        if len({item.tags.get(tag, "") for item in slices}) > 1:
            raise InputError(f"{path.name} holds a CT series whose slices differ in grid or scale.")
    try:
        positions = np.array([item.numbers(_POSITION) for item in slices])
        cosines = slices[0].numbers(_ORIENTATION)
        normal = np.cross(cosines[:3], cosines[3:])
        heights = positions @ normal
    except (KeyError, ValueError) as error:
        raise InputError(f"{path.name} holds a CT series that does not say where its slices lie.") from error
    order = np.argsort(heights, kind="stable")
    _check_stack(path, positions[order], heights[order], normal)
    return [slices[index] for index in order]


def _check_stack(
    path: Path, positions: NDArray[np.float64], heights: NDArray[np.float64], normal: NDArray[np.float64]
) -> None:
    """Raise InputError unless ``positions`` (n, 3), sorted by height, are evenly spaced along the normal."""
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    if gaps.min() <= POSITION_TOLERANCE:
        place = int(gaps.argmin())
        raise InputError(f"{path.name} holds a CT series with several slices at {heights[place]:.1f} mm.")
    off = np.abs(gaps - usual) > POSITION_TOLERANCE
    if off.any():
        place = int(off.argmax())
        raise InputError(
            f"{path.name} holds a CT series with missing or unevenly spaced slices: "
            f"{gaps[place]:.2f} mm instead of {usual:.2f} mm at {heights[place]:.1f} mm."
        )
    sideways = positions - np.outer(heights, normal)
    if np.abs(sideways - sideways[0]).max() > POSITION_TOLERANCE:
        raise InputError(
            f"{path.name} holds a CT series whose slices are shifted sideways, as from a tilted gantry; "
            "slices straight above each other are accepted."
        )
