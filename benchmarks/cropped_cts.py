"""Real CTs cropped and re-oriented at random: no crash, and the labels of what both CTs show.

    hnseg openkbp OPENKBP --out TRAIN --test TEST
    python benchmarks/cropped_cts.py TEST --ct CT_FILE_OR_FOLDER ...

writes ``results/cropped_cts.json`` and ``.md``; exits with 1 when a CT ends in an error.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from record import add_output_options, origin, origin_line, write_result

from hnseg_infer.errors import HNSegError
from hnseg_infer.formats import read_ct, stem
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.pipeline import segment
from hnseg_infer.preprocessing import Window
from hnseg_infer.volume import Geometry, Volume, from_canonical, to_canonical
from hnseg_train.cases import find_cases
from hnseg_train.evaluation.table import markdown_table, number

SEED = 11

CASES = 40

LEAST_KEPT = (0.45, 0.6, 0.6)
"""Smallest part of each axis (z, y, x) that a crop keeps."""


@dataclass(frozen=True)
class Trial:
    """One cropped CT. agreement: of the voxels that either run labels in what both see, the part alike.

    None where neither labels any. out_of_view: organs that the cropped CT is said not to show. error: what a
    crash said, else None.
    """

    name: str
    kept: tuple[float, float, float]
    axes: str
    agreement: float | None
    out_of_view: tuple[str, ...]
    error: str | None


def main() -> int:
    """Crop, turn, segment, compare; returns 1 when any run ended in an error."""
    parser = argparse.ArgumentParser(description="Cropped and re-oriented real CTs.")
    parser.add_argument("test", type=Path, metavar="TEST", help="cases of hnseg openkbp")
    parser.add_argument("--ct", type=Path, nargs="*", default=[], help="further CTs, each as one of the 40")
    parser.add_argument("--bundle", type=Path, default=Path("openkbp6"), help="(default: %(default)s)")
    add_output_options(parser, "cropped_cts")
    arguments = parser.parse_args()
    loaded = load(arguments.bundle)
    paths = [(stem(path), path) for path in arguments.ct]
    paths += [(case.name, case.ct) for case in find_cases(arguments.test)]
    rng = np.random.default_rng(SEED)
    trials = []
    for index in range(CASES):
        name, path = paths[index % len(paths)]
        trials.append(trial(name, to_canonical(read_ct(path)), loaded, rng))
        print(trials[-1], flush=True)
    result = {
        **origin(),
        "bundle": {"name": loaded.bundle.name, "trained_on": loaded.bundle.trained_on},
        "device": loaded.device,
        "seed": SEED,
        "trials": [vars(each) for each in trials],
    }
    write_result(arguments, result, report(result, trials))
    return 1 if any(each.error for each in trials) else 0


def trial(name: str, ct: Volume, loaded: LoadedBundle, rng: np.random.Generator) -> Trial:
    """Segment a CT whole and cropped; compare where both see."""
    window = random_window(ct.array.shape, rng)
    grid = turned(cropped_geometry(ct.geometry, window), rng)
    part = from_canonical(np.ascontiguousarray(ct.array[window]), grid)
    axes = " ".join(f"{value:.0f}" for value in grid.direction)
    kept = tuple(
        round((side.stop - side.start) / size, 2) for side, size in zip(window, ct.array.shape, strict=True)
    )
    try:
        found = segment(part, bundle=loaded, source=name)
    except HNSegError as error:
        return Trial(name, (kept[0], kept[1], kept[2]), axes, None, (), str(error))
    whole = to_canonical(segment(ct, bundle=loaded, source=name).labels).array[window]
    gone = tuple(organ.name for organ in found.organs if not organ.in_view)
    alike = agreement(whole, to_canonical(found.labels).array)
    return Trial(name, (kept[0], kept[1], kept[2]), axes, alike, gone, None)


def agreement(labels: NDArray[np.uint8], others: NDArray[np.uint8]) -> float | None:
    """Of the voxels that either labels, the part that both label alike."""
    labelled = (labels > 0) | (others > 0)
    return float((labels[labelled] == others[labelled]).mean()) if labelled.any() else None


def random_window(shape: Sequence[int], rng: np.random.Generator) -> Window:
    """A box of at least LEAST_KEPT of each axis."""
    z, y, x = (_random_part(size, least, rng) for size, least in zip(shape, LEAST_KEPT, strict=True))
    return z, y, x


def _random_part(size: int, least: float, rng: np.random.Generator) -> slice:
    length = round(size * rng.uniform(least, 1.0))
    start = int(rng.integers(0, size - length + 1))
    return slice(start, start + length)


def cropped_geometry(geometry: Geometry, window: Window) -> Geometry:
    """Of the voxels in a window of the grid."""
    first = (float(window[0].start), float(window[1].start), float(window[2].start))
    x, y, z = (float(mm) for mm in geometry.position(first))
    return replace(geometry, shape=tuple(side.stop - side.start for side in window), origin=(x, y, z))


def turned(geometry: Geometry, rng: np.random.Generator) -> Geometry:
    """The same box with its axes in another order and direction."""
    order, flips = rng.permutation(3), rng.integers(0, 2, 3).astype(bool)
    # columns of the direction matrix, in x, y, z order of the array's axes
    columns, sizes = geometry.matrix.T, geometry.shape[::-1]
    start = np.zeros(3)
    direction, spacing, shape = [], [], []
    for axis, flip in zip(order.tolist(), flips.tolist(), strict=True):
        start[axis] = sizes[axis] - 1 if flip else 0
        direction.append(-columns[axis] if flip else columns[axis])
        spacing.append(geometry.spacing[axis])
        shape.append(sizes[axis])
    z, y, x = (float(index) for index in start[::-1])
    return Geometry(
        (shape[2], shape[1], shape[0]),
        (spacing[0], spacing[1], spacing[2]),
        tuple(geometry.position((z, y, x)).tolist()),
        tuple(np.stack(direction, axis=1).ravel().tolist()),
    )


def report(result: Mapping[str, Any], trials: Sequence[Trial]) -> list[str]:
    """The result as lines of a Markdown page."""
    alike = [each.agreement for each in trials if each.agreement is not None]
    return [
        "# Cropped and re-oriented CTs",
        "",
        f"{len(trials)} random boxes of real CTs, their axes in random order and direction, seed "
        f"{result['seed']}; bundle `{result['bundle']['name']}`.",
        "",
        f"Errors: {sum(each.error is not None for each in trials)}. Of the voxels that either run labels in "
        f"what both see, labelled alike: mean {number(fmean(alike), 3)}, median {number(median(alike), 3)}, "
        f"lowest {number(min(alike), 3)}.",
        "",
        *markdown_table(("CT", "kept z, y, x", "axes", "agreement", "out of view", "error"), _rows(trials)),
        "",
        origin_line(result, result["device"]),
    ]


def _rows(trials: Sequence[Trial]) -> Iterator[Sequence[str]]:
    for each in trials:
        kept = ", ".join(f"{part:.2f}" for part in each.kept)
        gone = ", ".join(each.out_of_view) or "-"
        yield each.name, kept, each.axes, number(each.agreement, 3), gone, each.error or "-"


if __name__ == "__main__":
    raise SystemExit(main())
