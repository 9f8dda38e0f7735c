"""``hnseg phantom``: writes generated patients in StructSeg's layout."""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hnseg_infer.errors import HNSegError

if TYPE_CHECKING:
    from hnseg_train.phantom.generator import Phantom


LEAST_MM, MOST_MM = 0.5, 10.0
"""Voxel sizes that patients can be resampled to."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the ``phantom`` subcommand."""
    parser = subparsers.add_parser("phantom", help="generate labelled head-and-neck CTs")
    parser.add_argument("--cases", type=int, required=True, metavar="N", help="patients, numbered 1 to N")
    parser.add_argument("--seed", type=int, required=True, metavar="S", help="same seed, same CTs")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets CASE/{data,label}.nii.gz"
    )
    parser.add_argument(
        "--spacing",
        type=float,
        nargs=3,
        metavar=("Z", "Y", "X"),
        help="resample the patients to voxels of about so many mm (default: as a scanner would have it)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Generate and write the cases; raises HNSegError when the numbers or the folder cannot be used."""
    from hnseg_train.phantom.generator import generate

    if arguments.cases < 1:
        raise HNSegError(f"--cases is {arguments.cases}; at least 1 case can be generated.")
    if arguments.seed < 0:
        raise HNSegError(f"--seed is {arguments.seed}; seeds are 0 or larger.")
    if arguments.spacing and not all(LEAST_MM <= mm <= MOST_MM for mm in arguments.spacing):
        raise HNSegError(f"--spacing takes {LEAST_MM:g} to {MOST_MM:g} mm along each axis.")
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HNSegError(f"The folder {arguments.out} cannot be made: {error.strerror}.") from error
    for case in range(1, arguments.cases + 1):
        folder = arguments.out / str(case)
        phantom = generate(arguments.seed, case)
        if arguments.spacing:
            phantom = resampled(phantom, tuple(arguments.spacing))
        write_case(phantom, folder)
        slices, rows, columns = phantom.ct.array.shape
        across, _, along = phantom.ct.geometry.spacing
        print(f"{folder}: {columns} x {rows} x {slices}, {across:.3f} x {along:.0f} mm", flush=True)


def resampled(phantom: "Phantom", spacing_zyx: tuple[float, float, float]) -> "Phantom":
    """The patient on voxels of about another size, over the same extent."""
    import numpy as np

    from hnseg_infer.resampling import resample, resample_labels, shape_at
    from hnseg_infer.volume import Geometry, Volume

    old = phantom.ct.geometry
    shape = shape_at(old.shape, old.spacing_zyx, spacing_zyx)
    z, y, x = (mm * have / want for mm, have, want in zip(old.spacing_zyx, old.shape, shape, strict=True))
    # the outer edges stay where they are
    first = [0.5 * want / have - 0.5 for have, want in zip(shape, old.shape, strict=True)]
    at = old.position((first[0], first[1], first[2]))
    geometry = Geometry(shape, (x, y, z), (float(at[0]), float(at[1]), float(at[2])), old.direction)
    hu = np.rint(resample(phantom.ct.array, shape)).astype(phantom.ct.array.dtype)
    labels = resample_labels(phantom.labels.array, shape)
    return replace(phantom, ct=Volume(hu, geometry), labels=Volume(labels, geometry))


def write_case(phantom: "Phantom", folder: Path) -> None:
    """Write ``data.nii.gz`` and ``label.nii.gz`` into ``folder``, which appears when both are complete."""
    from hnseg_infer.formats import write

    # Beside its final place, so that the rename stays on one file system.
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(phantom.ct, draft / "data.nii.gz")
        write(phantom.labels, draft / "label.nii.gz")
        draft.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
