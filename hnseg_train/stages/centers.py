"""Stage ``roi-centres``: where the 3D-small model is to look, found by 2D models that have not seen the case.

Centres are voxels (z, y, x) of the canonical CT.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import dist
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.files import write_whole
from hnseg_infer.preprocessing import labels_center
from hnseg_infer.resampling import Spacing
from hnseg_infer.windows import Center, inferred_center, robust_center
from hnseg_train.cases import Case, read_case, training_versions
from hnseg_train.dataset import ROI_MARGIN, write_samples
from hnseg_train.export import ROI_FROM
from hnseg_train.recipes import SMALL_ORGANS, STRUCTSEG, ModelRecipe, Organs
from hnseg_train.stages.data import PREPROCESS
from hnseg_train.stages.engine import Item, Stage
from hnseg_train.stages.fold_models import load_fold, results_by_model
from hnseg_train.stages.networks import ROI_CENTERS, fold_item, folds_stage_name
from hnseg_train.stages.road import ROAD_VERSION, Road, remove_strangers, sampling_inputs, write_json

FOUND, INFERRED, REFERENCE = "found by 2d", "inferred from other organs", "reference"


@dataclass(frozen=True)
class RoiCenter:
    """A centre in voxels of a CT of that spacing (mm), where it comes from, and how far it is from the
    reference's (None without the organs).
    """

    center_zyx: Center
    spacing_zyx: Spacing
    source: str
    off_mm: float | None


def roi_center(
    predicted: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    size_zyx: tuple[int, int, int],
    spacing_zyx: tuple[float, float, float],
) -> RoiCenter | None:
    """Where inference would look, else where the reference says; None without either."""
    names = dict(STRUCTSEG)
    ids = [value for value, name in names.items() if name in SMALL_ORGANS]
    true = labels_center(reference, ids)
    center, source = robust_center(predicted, ids, size_zyx), FOUND
    if center is None:
        center, source = inferred_center(predicted, names, SMALL_ORGANS, spacing_zyx), INFERRED
        if center is not None and not _inside(center, predicted.shape):
            center = None
    if center is None and true is not None:
        center, source = true, REFERENCE
    if center is None:
        return None
    off = None if true is None else dist(*(np.multiply(place, spacing_zyx) for place in (center, true)))
    return RoiCenter(center, spacing_zyx, source, off)


def roi_centers_stage(road: Road, small: ModelRecipe) -> Stage:
    """A centre for every case with a small organ contoured, then the samples around it, then the report."""

    def items() -> Iterator[Item]:
        wanted = {name for name, case in road.cases.items() if _contoured(case, road.recipe.organs)}
        # fold by fold: the models of one fold are in memory at a time
        for fold, held_out in enumerate(road.folds):
            weights = road.ledger.result(folds_stage_name(ROI_FROM), fold_item(ROI_FROM, fold))
            for name in held_out:
                if name in wanted:
                    inputs: dict[str, Any] = {**road.case_inputs(name), "version": ROAD_VERSION}
                    inputs |= {"weights": weights, "box": small.patch}
                    yield Item(_center_item(name), inputs, partial(_find, road, small, name, fold))
        found = {name: _center_file(road, name).read_text() for name in sorted(wanted)}
        for name in road.cases:
            inputs = {
                **road.training_inputs(name),
                "center": found.get(name),
                "samples": sampling_inputs(road.recipe, small),
                "margin": ROI_MARGIN,
            }
            yield Item(name, inputs, partial(_write, road, small, name, found.get(name)))
        yield Item("report", found, partial(_report, road, found))
        files = [path for name in road.cases for path in road.ledger.files(ROI_CENTERS, name)]
        remove_strangers(road.preprocessed / f"hnseg_{small.name}" / small.name, files)

    makes = f"ROI centres in WORK/roi_centres and the data set of {small.name} around them"
    return Stage(ROI_CENTERS, (PREPROCESS, folds_stage_name(ROI_FROM)), makes, items)


def _contoured(case: Case, organs: Organs) -> bool:
    """Whether any organ of the small model was contoured; else the case has no sample for it."""
    unknown = case.uncontoured(organs)
    return any(organ not in unknown for organ in SMALL_ORGANS)


def _find(road: Road, small: ModelRecipe, name: str, fold: int) -> Sequence[Path]:
    case = road.cases[name]
    _, results = results_by_model(case, load_fold(road, fold, (ROI_FROM,)))
    ct, reference = read_case(case)
    size = (small.patch[0], small.patch[1], small.patch[2])
    found = roi_center(results[ROI_FROM].labels, reference, size, ct.geometry.spacing_zyx)
    return [write_json(_center_file(road, name), None if found is None else asdict(found))]


def _write(road: Road, small: ModelRecipe, name: str, center_json: str | None) -> Sequence[Path]:
    found = json.loads(center_json) if center_json else None
    if found is None:
        return []
    (z, y, x), (dz, dy, dx) = found["center_zyx"], found["spacing_zyx"]
    case, organs = road.cases[name], road.recipe.organs
    return roi_samples(case, (z, y, x), (dz, dy, dx), small, road.preprocessed, organs)


def roi_samples(
    case: Case, center: Center, spacing_zyx: Spacing, small: ModelRecipe, preprocessed: Path, organs: Organs
) -> list[Path]:
    """Write the samples of a case around a centre in voxels of its CT, and those of its variants.

    spacing_zyx: of the CT, mm.
    A variant's centre comes from its labels. The case has an organ of the model contoured.
    """
    unknown = case.uncontoured(organs)
    files: list[Path] = []
    for version, ct, labels in training_versions(case, organs):
        place = None
        if version == case.name:
            place = _scaled(center, spacing_zyx, ct.geometry.spacing_zyx)
        files += write_samples(version, ct, labels, small, preprocessed, place, unknown, organs)
    return files


def _report(road: Road, centers: Mapping[str, str]) -> Sequence[Path]:
    found = {name: json.loads(text) for name, text in centers.items()}
    lines = ["| case | centre from | mm from the reference's centre |", "|---|---|---|"]
    for name, center in found.items():
        off = "-" if center is None or center["off_mm"] is None else f"{center['off_mm']:.1f}"
        lines.append(f"| {name} | {center['source'] if center else 'nothing: no sample'} | {off} |")
    astray = [name for name, center in found.items() if center is None or center["source"] != FOUND]
    if astray:
        road.say(f"{ROI_CENTERS}: the 2D model found neither small organ in {', '.join(astray)}")
    page = road.work / "roi_centres" / "centres.md"
    write_whole(page, ["\n".join(["# Centres of the small-organ ROI", "", *lines, ""]).encode()])
    return [page]


def _center_item(name: str) -> str:
    return f"{name}_centre"


def _center_file(road: Road, name: str) -> Path:
    return road.work / "roi_centres" / f"{name}.json"


def _scaled(center: Center, given: Spacing, wanted: Spacing) -> Center:
    """The same place in voxels of another spacing; the grids share their outer edges."""
    z, y, x = ((c + 0.5) * old / new - 0.5 for c, old, new in zip(center, given, wanted, strict=True))
    return z, y, x


def _inside(center: Center, shape: Sequence[int]) -> bool:
    return all(-0.5 <= place <= size - 0.5 for place, size in zip(center, shape, strict=True))
