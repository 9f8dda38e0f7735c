"""A folder that holds a DICOM CT series, one file per slice, at any depth. Read by ITK and GDCM."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from hnseg_infer.errors import InputError, out_of_memory
from hnseg_infer.formats._common import ACCEPTED, make_volume, shown, voxel_values
from hnseg_infer.formats._dicom_headers import (
    DESCRIPTION,
    FRAMES,
    IMAGE_TYPE,
    MODALITY,
    SERIES,
    Slice,
    read_headers,
)
from hnseg_infer.formats._dicom_stack import ordered
from hnseg_infer.formats._itk import itk_path, simpleitk
from hnseg_infer.formats.folders import dicom_files, files_below
from hnseg_infer.report import Warning
from hnseg_infer.volume import Volume

MINIMUM_SLICES = 8
"""A series of fewer slices is a scout or a sample, not a planning CT."""

_LISTED = 6
"""So many series are named in an error; the rest are counted."""


def read(path: Path) -> Volume:
    """Read the one CT series in a folder or any folder below: int16 or float32 HU ``[z, y, x]``.

    Scouts and other modalities are passed over; a notice says how many files held a slice once more. Raises
    InputError when there is not exactly one series of more than a few slices, or when its slices do not stack
    into a regular grid.
    """
    found = _ct_series(path)
    slices = ordered(path, found)
    itk = simpleitk()
    reader = itk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([itk_path(item.path) for item in slices])
    try:
        image = reader.Execute()
    except RuntimeError as error:
        if out_of_memory(error):
            raise
        raise InputError(f"{path.name} holds a DICOM CT series with a damaged or cut-short slice.") from error
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path.name} holds colour images; a CT with one value per voxel is accepted.")
    array = voxel_values(itk.GetArrayViewFromImage(image))
    volume = make_volume(path, array, image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    copies, uid = _copies(len(found) - len(slices)), slices[0].tags.get(SERIES)
    return Volume(volume.array, volume.geometry, copies, uid or None)


def _copies(count: int) -> tuple[Warning, ...]:
    if count == 0:
        return ()
    message = f"Files that held a slice once more, at its place and with its voxels, were left out: {count}."
    return (Warning("duplicate_slices", message),)


def _ct_series(path: Path) -> list[Slice]:
    """The slices of the only CT series, in no order."""
    if next(files_below(path), None) is None:
        raise InputError(f"The folder {path.name} is empty; {ACCEPTED}.")
    series: dict[str, list[Slice]] = defaultdict(list)
    for item in read_headers(sorted(dicom_files(path))):
        series[item.tags.get(SERIES, "")].append(item)
    if not series:
        raise InputError(f"The folder {path.name} holds no DICOM images; {ACCEPTED}.")
    stacks = [slices for slices in series.values() if _is_ct_stack(slices)]
    if len(stacks) == 1:
        return stacks[0]
    if len(stacks) > 1:
        raise InputError(
            f"The folder {path.name} holds {len(stacks)} CT series, one is accepted: {_listed(path, stacks)}."
        )
    raise InputError(
        f"The folder {path.name} holds no CT series of {MINIMUM_SLICES} or more single-slice files, "
        f"only: {_listed(path, series.values())}."
    )


def _is_ct_stack(slices: list[Slice]) -> bool:
    first = slices[0].tags
    scout = "LOCALIZER" in first.get(IMAGE_TYPE, "").upper()
    single_frames = all(item.tags.get(FRAMES, "1") in ("", "1") for item in slices)
    return first.get(MODALITY) == "CT" and not scout and single_frames and len(slices) >= MINIMUM_SLICES


def _listed(path: Path, stacks: Iterable[list[Slice]]) -> str:
    described = [_described(path, slices) for slices in stacks]
    more = [f"{len(described) - _LISTED} more"] if len(described) > _LISTED else []
    return "; ".join([*described[:_LISTED], *more])


def _described(path: Path, slices: list[Slice]) -> str:
    first = slices[0].tags
    text = f"{shown(first.get(MODALITY, '')) or 'unknown'} '{shown(first.get(DESCRIPTION, ''))}'"
    folder = os.path.relpath(os.path.commonpath([item.path.parent for item in slices]), path)
    return f"{text} of {len(slices)} file(s)" + ("" if folder == "." else f" in {folder}")
