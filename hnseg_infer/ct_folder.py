"""Which CT in an input folder is meant: the only one there, else a sentence about what was found."""

import json
from pathlib import Path

from hnseg_infer.errors import InputError
from hnseg_infer.formats import SUFFIXES
from hnseg_infer.formats.folders import dicom_files, image_files

ACCEPTED = f"accepted is exactly one CT, a file ({', '.join(SUFFIXES)}) or a folder of DICOM files"


def find_ct(folder: Path, slug: str) -> Path:
    """The one CT, an image file or the folder of a DICOM series.

    It lies in ``folder/images/<slug>/`` as Grand Challenge puts it, else in ``folder`` itself; a DICOM series
    may lie in folders there, at any depth. Where ``images`` has several slugs, ``slug`` is taken if it is
    among them, else the one that ``folder/inputs.json`` names. Raises InputError for none or several.
    """
    if not folder.is_dir():
        raise InputError(f"The input folder {folder} does not exist; {ACCEPTED}.")
    try:
        place = _slug_folder(folder, slug) if (folder / "images").is_dir() else folder
        candidates = _candidates(place)
        found = _listed(_entries(place)) or "nothing"
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read ({error.strerror}); {ACCEPTED}.") from None
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise InputError(f"{place} holds {len(candidates)} images ({_listed(candidates)}); {ACCEPTED}.")
    raise InputError(f"{place} holds no CT (found: {found}); {ACCEPTED}.")


def _slug_folder(folder: Path, slug: str) -> Path:
    images = folder / "images"
    filled = [place for place in _entries(images) if place.is_dir() and _entries(place)]
    named = _slugs_named_in(folder / "inputs.json")
    choices = (
        [place for place in filled if place.name == slug],
        [place for place in filled if place.name in named],
        filled,
    )
    for choice in choices:
        if len(choice) == 1:
            return choice[0]
    if filled:
        raise InputError(
            f"{images} holds images under several names ({_listed(filled)}), none of them {slug!r}; "
            "HNSEG_INPUT_SLUG names the one to take."
        )
    return images


def _slugs_named_in(path: Path) -> set[str]:
    """The names in Grand Challenge's inputs.json; none where it is absent or of another make."""
    try:
        items = json.loads(path.read_bytes())
        sockets = [item.get("socket") or item["interface"] for item in items]
        return {str(socket["slug"]) for socket in sockets}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return set()


def _candidates(folder: Path) -> list[Path]:
    series = sorted({file.parent for file in dicom_files(folder)})
    # which of several series is the CT (and not its scout, say) is for the reader to tell, by their headers
    return image_files(folder, SUFFIXES) + (series if len(series) < 2 else [folder])


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _listed(paths: list[Path], most: int = 5) -> str:
    names = [path.name for path in paths[:most]]
    return ", ".join(names) + (f" and {len(paths) - most} more" if len(paths) > most else "")
