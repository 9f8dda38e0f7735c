"""Writing files such that nothing half-written is ever found."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_whole(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file so that it is either there complete or not at all (or still the old one)."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
