"""What lies in a folder: image files directly in it, DICOM files at any depth below it.

Hidden files and folders are passed over: the ones that systems leave behind, and what git-annex links to.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from hnseg_infer.errors import InputError

MOST_ENTRIES = 50_000
"""Files and folders that are looked through: above any patient's studies, below an archive of many."""


_FIRST_ELEMENTS = tuple(struct.pack("<2H", group, number) for group in (2, 8) for number in (0, 1, 5, 8))


def image_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files directly in a folder whose names end with one of ``suffixes``, in order. Raises OSError."""
    return [path for path in _visible(folder) if path.is_file() and path.name.lower().endswith(suffixes)]


def dicom_files(folder: Path) -> Iterator[Path]:
    """The files at any depth that begin as DICOM does, in order; only their first bytes are read.

    Raises InputError where there is more below the folder than one patient's images, OSError for what
    cannot be read.
    """
    return (path for path in files_below(folder) if _is_dicom(path))


def files_below(folder: Path) -> Iterator[Path]:
    """The files at any depth, in order. Links are followed, a folder that is met again is not entered again.

    Raises InputError, also for a link to nothing, and OSError as ``dicom_files``.
    """
    count = 0
    entered = set()
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        status = place.stat()
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        entries = _visible(place)
        count += len(entries)
        if count > MOST_ENTRIES:
            raise InputError(
                f"The folder {folder} holds more than {MOST_ENTRIES} files and folders; "
                "the folder of one series or patient is accepted."
            )
        for entry in entries:
            refuse_dangling(entry)
        yield from (entry for entry in entries if entry.is_file())
        waiting += [entry for entry in reversed(entries) if entry.is_dir()]


def refuse_dangling(path: Path) -> None:
    """Raise InputError for a link to nothing, as data sets hold for what was not fetched."""
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path} is a link to a file that is not here.")


def _visible(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if not entry.name.startswith("."))


def _is_dicom(path: Path) -> bool:
    # a DICOMDIR is the table of contents of a medium, not an image
    if path.name.upper() == "DICOMDIR":
        return False
    with path.open("rb") as file:
        start = file.read(132)
    # without the preamble, files begin with the first element of group 2 or 8
    return start[128:] == b"DICM" or start[:4] in _FIRST_ELEMENTS
