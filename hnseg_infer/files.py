"""Writing files such that nothing half-written is ever found."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hnseg_infer.errors import HNSegError


def write_whole(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file so that it is either there complete or not at all (or still the old one).

    Raises OSError, which names the file.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        os.replace(unfinished, path)
    except OSError as error:
        # a full disk names no file, and the unfinished one means nothing to anybody
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_together(folder: Path, files: Mapping[Path, Callable[[Path], None]]) -> None:
    """Write several files so that all of them are there complete, or none is new.

    folder: what the error names. files: by its place what writes each, to a path that it is given. Raises
    HNSegError where the disk is full, for example.
    """
    drafts = {path: path.with_name(f".{os.getpid()}.part.{path.name}") for path in files}
    placed = []
    try:
        for path, write in files.items():
            write(drafts[path])
        for path, draft in drafts.items():
            os.replace(draft, path)
            placed.append(path)
    except BaseException as error:
        for path in placed:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from error
        raise
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make a folder, with its parents, where it is missing; what was made is removed again after a failure.

    Raises HNSegError where no file can be made in it: now, not after minutes of work.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".{os.getpid()}.part"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield
    except BaseException:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


def _unwritable(folder: Path, error: OSError) -> HNSegError:
    found = "it is a file" if isinstance(error, FileExistsError) else error.strerror
    return HNSegError(f"The output folder {folder} cannot be written ({found}).")
