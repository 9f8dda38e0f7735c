"""CTs to measure on: one generated patient with as many slices as wanted, or files that are given.

The patient is generated once (``hnseg_train.phantom``); other numbers of slices show the same anatomy,
interpolated linearly along z with the spacing that goes with it.
"""

import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.formats import read_ct, write
from hnseg_infer.volume import Volume
from hnseg_train.phantom import generate

SEED, CASE = 31, 1
"""Of the generated patient: not among those that the shipped weights were trained on."""


@dataclass(frozen=True)
class Case:
    """A CT to measure on. folder: what holds it alone, as an input folder. voxels: along x, y, z."""

    name: str
    folder: Path
    ct: Path
    voxels: tuple[int, int, int]


def add_case_options(parser: ArgumentParser, slices: Sequence[int], several: bool = True) -> None:
    """``--slices`` (default: ``slices``) and ``--ct``, for ``chosen_cases``."""
    count: str | int = "+" if several else 1
    parser.add_argument(
        "--slices",
        type=int,
        nargs=count,
        default=list(slices),
        help=f"of the generated CT (default: {' '.join(map(str, slices))})",
    )
    parser.add_argument(
        "--ct", type=Path, nargs=count, default=[], help="to take in place of a generated one"
    )


def chosen_cases(arguments: Namespace, scratch: Path) -> list[Case]:
    """The CTs that the command line asks for, with their input folders below ``scratch``."""
    return given_cases(scratch, arguments.ct) or generated_cases(scratch, arguments.slices)


def generated_cases(scratch: Path, slices: Sequence[int]) -> list[Case]:
    """The generated patient once per number of slices, written as MetaImage below ``scratch``."""
    patient = generate(SEED, CASE).ct
    cases = []
    for count in slices:
        ct = reslice(patient, count)
        path = scratch / f"slices_{count}" / "images" / "ct" / "ct.mha"
        path.parent.mkdir(parents=True)
        write(ct, path)
        cases.append(_case(path, scratch / f"slices_{count}", ct))
    return cases


def given_cases(scratch: Path, cts: Sequence[Path]) -> list[Case]:
    """Files or DICOM folders as cases; a file is copied, so that it lies alone in its input folder."""
    cases = []
    for number, path in enumerate(cts):
        folder = path.resolve()
        if not path.is_dir():
            folder = scratch / f"case_{number}"
            folder.mkdir()
            shutil.copy(path, folder)
        cases.append(replace(_case(path.resolve(), folder, read_ct(path)), name=path.name))
    return cases


def reslice(ct: Volume, slices: int) -> Volume:
    """The CT ``[z, y, x]`` (int16) with another number of slices between the same first and last one.

    Each new slice is the linear mixture of its two neighbours, rounded. Raises ValueError below two slices.
    """
    if slices < 2:
        raise ValueError(f"a CT of {slices} slices has no first and last one")
    depth = ct.array.shape[0]
    array = np.empty((slices, *ct.array.shape[1:]), np.int16)
    for index, position in enumerate(np.linspace(0.0, depth - 1, slices)):
        array[index] = _mixture(ct.array, float(position))
    x_mm, y_mm, z_mm = ct.geometry.spacing
    spacing = (x_mm, y_mm, z_mm * (depth - 1) / (slices - 1))
    return Volume(array, replace(ct.geometry, shape=array.shape, spacing=spacing))


def _mixture(array: NDArray[np.int16], position: float) -> NDArray[np.int16]:
    below = min(int(position), len(array) - 2)
    share = position - below
    mixed = (1 - share) * array[below].astype(np.float32) + share * array[below + 1].astype(np.float32)
    rounded: NDArray[np.int16] = np.rint(mixed).astype(np.int16)
    return rounded


def _case(path: Path, folder: Path, ct: Volume) -> Case:
    z, y, x = ct.geometry.shape
    return Case(f"generated {x} x {y} x {z}", folder, path, (x, y, z))
