"""Which masks belong together: one prediction and one reference, or the cases of two folders, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hnseg_infer.errors import InputError
from hnseg_infer.formats import SUFFIXES, read_labels, stem
from hnseg_infer.volume import Volume

LAYOUT = "<case>.nii.gz (or .mha, .nrrd) or <case>/label.nii.gz"
"""How an error describes a folder of masks."""

NAMED = 5
"""So many names stand in an error; the rest are counted."""


@dataclass(frozen=True)
class MaskPair:
    """A prediction and its reference, and the CT where there is one (a file or a DICOM folder)."""

    name: str
    prediction: Path
    reference: Path
    ct: Path | None

    def read(self) -> tuple[Volume, Volume]:
        """Prediction and reference as stored. Raises InputError for files that are no masks."""
        return read_labels(self.prediction), read_labels(self.reference)

    @property
    def sources(self) -> tuple[str, str]:
        """What errors call the two masks."""
        return str(self.prediction), str(self.reference)


def pair_masks(prediction: Path, reference: Path, ct: Path | None = None) -> list[MaskPair]:
    """The pairs of two files or two folders, by name.

    In a folder a case is an image file, named without its suffix, or a folder with one image file; of
    several, ``label`` (for CTs ``data``, or a DICOM series) is the one, as StructSeg 2019 lays them out.
    Raises InputError when the folders do not hold the same cases, or a case has no CT in the folder of CTs.
    """
    for path in (prediction, reference, *([ct] if ct else [])):
        if not path.exists():
            raise InputError(f"{path} does not exist.")
    if prediction.is_dir() != reference.is_dir():
        folder, file = (prediction, reference) if prediction.is_dir() else (reference, prediction)
        raise InputError(f"{folder} is a folder and {file} a file; two files or two folders are accepted.")
    if not prediction.is_dir():
        return [MaskPair(stem(prediction), prediction, reference, ct)]
    predictions, references = _masks(prediction), _masks(reference)
    if predictions.keys() != references.keys():
        lacking = [
            f"{folder} lacks {_listed(other.keys() - own.keys())}"
            for folder, own, other in (
                (prediction, predictions, references),
                (reference, references, predictions),
            )
            if other.keys() - own.keys()
        ]
        raise InputError(f"{' and '.join(lacking)}; two folders with the same cases are accepted.")
    cts = _entries(ct, "data") if ct is not None else {}
    if ct is not None and references.keys() - cts.keys():
        raise InputError(
            f"{ct} lacks the CT of {_listed(references.keys() - cts.keys())}; "
            "a folder with a CT of the same name for every case is accepted."
        )
    return [MaskPair(name, predictions[name], references[name], cts.get(name)) for name in sorted(references)]


def refuse_unnamed(volume: Volume, source: str, organs: Mapping[int, str]) -> None:
    """Raise InputError when a mask (uint8) holds a value that ``organs`` (name by value) does not name."""
    unknown = np.ones(256, dtype=bool)
    unknown[[0, *organs]] = False
    unnamed = [str(value) for value in np.unique(volume.array[unknown[volume.array]]).tolist()]
    if unnamed:
        raise InputError(
            f"{source} holds label {', '.join(unnamed)}, which the organ table does not name; "
            f"accepted are {_ranges(sorted(organs))} and 0 (give --organs for another table)."
        )


def _masks(folder: Path) -> dict[str, Path]:
    masks = _entries(folder, "label")
    if not masks:
        raise InputError(f"{folder} holds no mask; {LAYOUT} are accepted.")
    return masks


def _entries(folder: Path, inner: str) -> dict[str, Path]:
    """Path by case name; ``inner`` is the name of the wanted file where a case is a folder of several."""
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; a folder is accepted where the masks lie in folders.")
    found: dict[str, Path] = {}
    for entry in sorted(folder.iterdir()):
        path = _inner(entry, inner) if entry.is_dir() else entry if _is_image(entry) else None
        if path is None or entry.name.startswith("."):
            continue
        name = entry.name if entry.is_dir() else stem(entry)
        if name in found:
            raise InputError(f"{folder} holds case {name} twice, as {found[name].name} and {path.name}.")
        found[name] = path
    return found


def _inner(folder: Path, inner: str) -> Path | None:
    images = [path for path in sorted(folder.iterdir()) if _is_image(path)]
    wanted = [path for path in images if stem(path) == inner]
    if wanted or len(images) == 1:
        return (wanted or images)[0]
    return folder if inner == "data" and not images else None


def _is_image(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.is_file() and path.name.lower().endswith(SUFFIXES) and not hidden


def _listed(names: set[str]) -> str:
    first = sorted(names)[:NAMED]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(first) + more


def _ranges(values: list[int]) -> str:
    """1, 2, 3, 7 as ``1-3, 7``."""
    parts: list[list[int]] = []
    for value in values:
        if parts and value == parts[-1][-1] + 1:
            parts[-1].append(value)
        else:
            parts.append([value])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
