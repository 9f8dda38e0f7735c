"""What every stage of one training shares: settings, cases with their checksums, folds, records."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from hnseg_infer.files import write_whole
from hnseg_infer.resampling import Shape3, Spacing, shape_at
from hnseg_infer.spacing_rule import SpacingRange
from hnseg_train.cases import Case, Source
from hnseg_train.cohort import cohort_cases
from hnseg_train.cohort_check.case import CT_FILE, LABEL_FILE
from hnseg_train.cohort_check.report import JSON_NAME
from hnseg_train.contoured import CONTOURED_FILE
from hnseg_train.recipes import ModelRecipe, Recipe
from hnseg_train.stages.folds import deal_folds
from hnseg_train.stages.records import Ledger, file_sha256
from hnseg_train.start import Start

CASE_FILES = (CT_FILE, LABEL_FILE, CONTOURED_FILE)

VARIATION_VERSION = 1
"""Goes into the inputs of samples that were altered; raised when they would be altered differently."""

ROAD_VERSION = 2
"""Goes into the inputs of the work on data; raised when the same data would be treated differently."""


@dataclass(frozen=True)
class Settings:
    """One training as it was asked for.

    device: ``cuda`` or ``cpu``. workers: loading processes of each GPU's process. gpus: that share a batch.
    start: weights that the models start from, None for random ones.
    """

    sources: tuple[Source, ...]
    work: Path
    recipe: Recipe
    bundle: Path
    folds: int = 5
    device: str = "cpu"
    baseline: bool = False
    trained_on: str = "unnamed data"
    workers: int = 0
    gpus: int = 1
    start: Start | None = None


@dataclass(frozen=True)
class Road:
    """Settings plus what follows from the data folder; ``say`` takes lines for the terminal."""

    settings: Settings
    ledger: Ledger
    say: Callable[[str], None] = field(repr=False, default=print)

    @property
    def work(self) -> Path:
        """Where everything but the bundle is written."""
        return self.settings.work

    @property
    def recipe(self) -> Recipe:
        """The training plan."""
        return self.settings.recipe

    @cached_property
    def cases(self) -> dict[str, Case]:
        """The labelled CTs by name; raises InputError when a label file is missing."""
        return cohort_cases(self.settings.sources)

    @cached_property
    def by_source(self) -> dict[str, list[str]]:
        """The names of each source's cases, sorted."""
        found: dict[str, list[str]] = {}
        for name, case in sorted(self.cases.items()):
            found.setdefault(case.source.name, []).append(name)
        return found

    @cached_property
    def folds(self) -> tuple[tuple[str, ...], ...]:
        """The held-out cases of each fold; each source's are dealt by themselves."""
        return deal_folds(list(self.by_source.values()), self.settings.folds)

    def fold_of(self, case: str) -> int:
        """The fold whose models have not seen a case."""
        return next(fold for fold, held_out in enumerate(self.folds) if case in held_out)

    @cached_property
    def data_files(self) -> dict[str, str]:
        """sha256 of every file of a case by ``<case>/<file>``, of all cases of all sources.

        Sizes and times of files that were hashed before are kept in the work folder.
        """
        known_path = self.work / "stages" / "data_files.json"
        known: dict[str, list[Any]] = json.loads(known_path.read_bytes()) if known_path.is_file() else {}
        found: dict[str, list[Any]] = {}
        for source in self.settings.sources:
            for path in sorted(source.folder.glob("*/*")):
                if path.name in CASE_FILES and path.is_file() and not path.parent.name.startswith("."):
                    name, status = f"{source.prefix}{path.parent.name}/{path.name}", path.stat()
                    stamp = [status.st_size, status.st_mtime_ns]
                    before = known.get(name, [])
                    found[name] = before if before[:2] == stamp else [*stamp, file_sha256(path)]
        if found != known:
            known_path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(known_path, [json.dumps(found, indent=1).encode()])
        return {name: values[2] for name, values in found.items()}

    def case_inputs(self, case: str) -> dict[str, str]:
        """Checksums of a case's files: CT, labels, and what was contoured where that is said."""
        found = self.data_files
        return {name: found[f"{case}/{name}"] for name in CASE_FILES if f"{case}/{name}" in found}

    def training_inputs(self, case: str) -> dict[str, Any]:
        """What of a case and its source decides what is trained on."""
        source = self.cases[case].source
        said: dict[str, Any] = {"spacing": source.spacing, "contoured": source.contoured}
        if source.variants:
            said |= {"variants": source.variants, "variation": VARIATION_VERSION}
        return {
            **self.case_inputs(case),
            **{key: value for key, value in said.items() if value is not None},
        }

    def check_folder(self, source: Source) -> Path:
        """Where the data check of a source's cases is written."""
        return self.work / "data_check" / source.name

    @property
    def grids(self) -> dict[str, tuple[Shape3, Spacing]]:
        """Size in voxels and spacing in mm (both z, y, x) of every case's CT, from the data check."""
        found: dict[str, tuple[Shape3, Spacing]] = {}
        for source in self.settings.sources:
            report = json.loads((self.check_folder(source) / JSON_NAME).read_bytes())
            for case in report["cases"]:
                name = source.prefix + case["name"]
                if name in self.cases:
                    found[name] = (tuple(case["size_xyz"][::-1]), tuple(case["spacing_xyz"][::-1]))
        return found

    @property
    def training_grids(self) -> dict[str, tuple[Shape3, Spacing]]:
        """The same of every case as it is trained on, at its source's spacing."""
        wanted = {name: case.source.spacing for name, case in self.cases.items()}
        return {
            name: (shape, spacing) if (to := wanted[name]) is None else (shape_at(shape, spacing, to), to)
            for name, (shape, spacing) in self.grids.items()
        }

    @property
    def stored_voxels(self) -> int:
        """Of all CTs and their variants as they are trained on."""
        grids = self.training_grids
        return sum(prod(grids[name][0]) * (1 + case.source.variants) for name, case in self.cases.items())

    @property
    def shares(self) -> dict[str, float]:
        """Each source's share of the training samples, relative to the others'."""
        return {source.name: source.share for source in self.settings.sources}

    @property
    def trained_spacing(self) -> SpacingRange:
        """Smallest and largest spacing of what is trained on."""
        spacings = [spacing for _, spacing in self.training_grids.values()]
        low, high = (
            tuple(round(limit(along), 4) for along in zip(*spacings, strict=True)) for limit in (min, max)
        )
        return SpacingRange((low[0], low[1], low[2]), (high[0], high[1], high[2]))

    @property
    def preprocessed(self) -> Path:
        """Where nnU-Net's data sets lie."""
        return self.work / "preprocessed"


def sampling_inputs(recipe: Recipe, model: ModelRecipe) -> dict[str, Any]:
    """What of a recipe decides how a case becomes samples of a model."""
    return {
        "version": ROAD_VERSION,
        "crop": model.crop,
        "patch": model.patch,
        "training_patch": model.training_patch,
        "organs": recipe.organs,
        **({} if model.spacing is None else {"spacing": model.spacing}),
        **({} if model.hu_window is None else {"hu_window": asdict(model.hu_window)}),
    }


def write_json(path: Path, content: Any) -> Path:
    """Write JSON whole; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, [(json.dumps(content, indent=1, allow_nan=False) + "\n").encode()])
    return path


def remove_strangers(folder: Path, wanted: Sequence[Path]) -> None:
    """Remove files of a folder that are not wanted: samples of cases that are no longer in the data."""
    keep = set(wanted)
    for path in folder.iterdir() if folder.is_dir() else ():
        if path not in keep:
            os.remove(path)
