"""The sha256 of every file of a bundle: nothing is unpickled before they were verified."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from hnseg_infer.errors import BundleError
from hnseg_infer.installed import MANIFEST


def checksums(folder: Path) -> dict[str, str]:
    """sha256 of every file below a bundle folder but bundle.json, by relative path."""
    return {name: _sha256(folder / name) for name in sorted(_files(folder))}


def verify_checksums(folder: Path, listed: Mapping[str, str]) -> None:
    """Raises BundleError for a file below the folder that is not listed, missing or altered."""
    found = _files(folder)
    for name in sorted(listed.keys() | found):
        if name not in found:
            raise BundleError(f"The bundle file {folder / name} is missing.")
        if name not in listed:
            raise BundleError(f"The file {folder / name} is not listed in the bundle's {MANIFEST}.")
        if _sha256(folder / name) != listed[name]:
            raise BundleError(
                f"The bundle file {folder / name} was altered or damaged: {MANIFEST} lists another checksum."
            )


def _files(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return found - {MANIFEST}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
