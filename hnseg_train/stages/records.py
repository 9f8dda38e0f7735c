"""What is done: one small JSON file per item under ``WORK/stages``, and one per finished stage.

``stages/<stage>/<item>.json`` holds the item's inputs, their sha256, and its files with size and, where they
are small, sha256. ``stages/<stage>.json`` lists the items of a stage that was completed.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hnseg_infer.errors import HNSegError
from hnseg_infer.files import write_whole

HASHED_BYTES = 4 << 20
"""Larger files are recorded by their size alone: a checkpoint brings its own checksum along."""


def digest(value: Any) -> str:
    """sha256 of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Ledger:
    """The records below one work folder; files inside it are recorded relative to it."""

    def __init__(self, work: Path) -> None:
        self.work = work

    def is_current(self, stage: str, item: str, inputs: str) -> bool:
        """Whether the item was completed from inputs with this checksum, and its files are still there."""
        record = self._read(stage, item)
        return record is not None and record["inputs_sha256"] == inputs and self._intact(record["files"])

    def result(self, stage: str, item: str) -> str:
        """Checksum of what a completed item was made from and came to, for the inputs of later ones."""
        record = self._read(stage, item)
        if record is None:
            raise HNSegError(f"There is no record of {item} in stage {stage} in {self.work}.")
        return digest([record["inputs_sha256"], record["files"]])

    def files(self, stage: str, item: str) -> list[Path]:
        """The files of a completed item."""
        record = self._read(stage, item)
        return [self.work / name for name in record["files"]] if record else []

    def write(self, stage: str, item: str, inputs: Any, files: Sequence[Path]) -> None:
        """Record an item as complete."""
        content = {
            "stage": stage,
            "item": item,
            "inputs_sha256": digest(inputs),
            "inputs": inputs,
            "files": {self._name(path): _description(path) for path in files},
        }
        self._write(self._path(stage, item), content)

    def forget(self, stage: str, item: str) -> None:
        """Take back that an item, and with it its stage, is complete."""
        self._path(stage).unlink(missing_ok=True)
        self._path(stage, item).unlink(missing_ok=True)

    def finish(self, stage: str, items: Sequence[str]) -> None:
        """Record a stage as complete, and drop the records of items that it has no more."""
        for path in (self.work / "stages" / stage).glob("*.json"):
            if path.stem not in items:
                path.unlink()
        results = {item: self.result(stage, item) for item in items}
        content = {"stage": stage, "items": results, "result_sha256": digest(results)}
        if not self._path(stage).is_file() or json.loads(self._path(stage).read_bytes()) != content:
            self._write(self._path(stage), content)

    def finished(self, stage: str) -> list[str] | None:
        """The items of a stage that was completed once; None when it never was."""
        path = self._path(stage)
        return list(json.loads(path.read_bytes())["items"]) if path.is_file() else None

    def started(self, stage: str) -> bool:
        """Whether any item of a stage was completed."""
        return any((self.work / "stages" / stage).glob("*.json"))

    def _intact(self, files: dict[str, dict[str, Any]]) -> bool:
        paths = {self.work / name: found["bytes"] for name, found in files.items()}
        return all(path.is_file() and path.stat().st_size == size for path, size in paths.items())

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.work) if path.is_relative_to(self.work) else path.resolve())

    def _path(self, stage: str, item: str | None = None) -> Path:
        folder = self.work / "stages"
        return folder / f"{stage}.json" if item is None else folder / stage / f"{item}.json"

    def _read(self, stage: str, item: str) -> dict[str, Any] | None:
        path = self._path(stage, item)
        if not path.is_file():
            return None
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [(json.dumps(content, indent=1) + "\n").encode()])


def _description(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    return {"bytes": size} if size > HASHED_BYTES else {"bytes": size, "sha256": file_sha256(path)}
