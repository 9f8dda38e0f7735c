"""Labelled CTs: cases in StructSeg's layout, the source that each belongs to, and what is trained on of it.

Arrays are ``[z, y, x]`` in canonical orientation.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.checks import check_ct
from hnseg_infer.errors import InputError
from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.organs import side_of
from hnseg_infer.resampling import resample, resample_labels, shape_at
from hnseg_infer.volume import Geometry, Volume, to_canonical
from hnseg_train.contoured import uncontoured
from hnseg_train.recipes import Organs
from hnseg_train.variation import vary


@dataclass(frozen=True)
class Source:
    """Cases of one kind. name: goes before the names of its cases; empty where there is one source alone.

    share: of the training samples, relative to the other sources'. spacing: mm (z, y, x) to which its CTs are
    resampled for training, None for their own voxels. contoured: the organs that were contoured in every case
    that does not say otherwise, None for all. most_cases: no more than so many are taken, None for all.
    variants: altered copies of each case (variation/) that are trained on beside it.
    """

    name: str
    folder: Path
    share: float = 1.0
    spacing: tuple[float, float, float] | None = None
    contoured: tuple[str, ...] | None = None
    most_cases: int | None = None
    variants: int = 0

    @property
    def prefix(self) -> str:
        """What goes before the names of its cases."""
        return f"{self.name}_" if self.name else ""


@dataclass(frozen=True)
class Case:
    """One labelled CT: ``<name>/data.nii.gz`` and ``<name>/label.nii.gz``; the name holds the source's."""

    name: str
    ct: Path
    label: Path
    source: Source = field(default=Source("", Path()), repr=False)

    def uncontoured(self, organs: Organs) -> tuple[str, ...]:
        """Those of the organs that nobody contoured; raises InputError for an unusable contoured.json."""
        names = [name for _, name in organs]
        return uncontoured(self.label.parent, names, self.source.contoured)


def find_cases(folder: Path) -> list[Case]:
    """Every case of a folder in StructSeg's layout, by name. Raises InputError when there is none."""
    return source_cases(Source("", folder))


def source_cases(source: Source) -> list[Case]:
    """Every case of a source by name, whatever ``most_cases`` says. Raises InputError when there is none."""
    cases = [
        Case(source.prefix + path.parent.name, path, path.parent / "label.nii.gz", source)
        for path in sorted(source.folder.glob("*/data.nii.gz"))
        # hidden folders are drafts of writers that were interrupted
        if not path.parent.name.startswith(".")
    ]
    missing = [case.name for case in cases if not case.label.is_file()]
    if missing:
        raise InputError(
            f"No label.nii.gz beside data.nii.gz in these cases of {source.folder}: {', '.join(missing)}."
        )
    if not cases:
        raise InputError(
            f"No case was found in {source.folder}; expected <case>/data.nii.gz and <case>/label.nii.gz."
        )
    return cases


def read_case(case: Case) -> tuple[Volume, NDArray[np.uint8]]:
    """The checked CT and the labels ``[z, y, x]``, both in canonical orientation."""
    ct, _ = check_ct(to_canonical(read_ct(case.ct)), str(case.ct))
    labels = to_canonical(read_labels(case.label)).array
    if ct.array.shape != labels.shape:
        raise InputError(
            f"Case {case.name}: data.nii.gz has shape {ct.array.shape}, label.nii.gz {labels.shape}."
        )
    return ct, labels


def training_versions(case: Case, organs: Organs) -> Iterator[tuple[str, Volume, NDArray[np.uint8]]]:
    """Name, CT and labels of a case as it is trained on: at its source's spacing, then the variants.

    A variant follows from the case's name and its number alone.
    """
    ct, labels = read_case(case)
    if case.source.spacing is not None:
        ct, labels = at_spacing(ct, labels, case.source.spacing)
    yield case.name, ct, labels
    # a mirrored case would have the other side's organ contoured: not what its list says
    sides = Counter(side_of(name)[0] for name in case.uncontoured(organs) if side_of(name)[1] != "-")
    mirrored = False if 1 in sides.values() else None
    for number in range(case.source.variants):
        name = f"{case.name}_v{number}"
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
        yield name, *vary(ct, labels, organs, np.random.default_rng(seed), mirrored=mirrored)


def at_spacing(
    ct: Volume, labels: NDArray[np.uint8], spacing: tuple[float, float, float]
) -> tuple[Volume, NDArray[np.uint8]]:
    """CT and labels on the grid with about that spacing (mm z, y, x) over the same extent."""
    given = ct.geometry
    shape = shape_at(given.shape, given.spacing_zyx, spacing)
    steps = [old / new for old, new in zip(given.shape, shape, strict=True)]
    # the grids share their outer edges, not the centres of their first voxels
    first = given.position((0.5 * steps[0] - 0.5, 0.5 * steps[1] - 0.5, 0.5 * steps[2] - 0.5))
    x, y, z = (mm * step for mm, step in zip(given.spacing, reversed(steps), strict=True))
    origin = (float(first[0]), float(first[1]), float(first[2]))
    geometry = Geometry(shape, (x, y, z), origin, given.direction)
    return Volume(resample(ct.array, shape), geometry), resample_labels(labels, shape)
