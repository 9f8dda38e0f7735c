"""How generated patients differ from real ones: organ volumes, places and densities.

    python benchmarks/phantoms_against_real.py SHARED_DATA

writes ``results/phantoms_against_real.json`` and ``.md``. Real volumes and places come from the contours of
35 planning CTs and from OpenKBP, densities from OpenKBP and from two planning CTs with draft contours; places
before the brain stem, in level heads, from these two and from one patient's published measures.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import dist
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from labelled_cts import LabelledCT, generated, planning_cts
from level_heads import level_places
from phantoms_page import report
from record import add_output_options, origin, write_result

from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_infer.review.anatomy import Anatomy
from hnseg_infer.review.measure import OrganMeasure, measure_organs
from hnseg_infer.volume import Geometry, Volume, to_canonical
from hnseg_train.anatomy import training_anatomy
from hnseg_train.openkbp.convert import structseg_labels

SEED, CASES = 77, 20
"""Generated patients; a seed that no training uses."""

CONTOURED = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 12: 12, 13: 13, 20: 20}
"""Codes of the 35 patients' contours that mean an organ of StructSeg's table, and its id there."""

NAMES = {organ.id: organ.name for organ in STRUCTSEG_ORGANS}

PERCENTILES = (5, 50, 95)

_KEPT = 400
"""Voxels of each organ and patient whose density is kept; evenly spread."""


@dataclass
class Cohort:
    """Measures by patient, and HU of voxels by organ."""

    patients: list[Mapping[str, OrganMeasure]] = field(default_factory=list)
    hu: dict[str, list[float]] = field(default_factory=dict)

    def add(self, labels: Volume, hu: Any = None) -> None:
        """One patient; canonical labels, HU on the same grid or None."""
        array = np.asarray(labels.array, np.uint8)
        measured = measure_organs(array, labels.geometry, NAMES)
        self.patients.append({NAMES[value]: organ for value, organ in measured.items()})
        for value, organ in measured.items() if hu is not None else ():
            inside = hu[organ.box][array[organ.box] == value]
            self.hu.setdefault(NAMES[value], []).extend(inside[:: 1 + len(inside) // _KEPT].tolist())


def main() -> int:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description="Generated patients against real ones.")
    parser.add_argument(
        "data", type=Path, metavar="SHARED_DATA", help="holds openkbp, organ_masks, ct, atlas"
    )
    add_output_options(parser, "phantoms_against_real")
    arguments = parser.parse_args()
    made, contoured, low, drafted = Cohort(), Cohort(), Cohort(), Cohort()
    for patient in generated(SEED, CASES):
        made.add(_labels(patient), patient.hu)
    for labels in planning_contours(arguments.data):
        contoured.add(labels)
    for labels, hu in openkbp_patients(arguments.data):
        low.add(labels, hu)
    names = []
    for patient in planning_cts(arguments.data):
        drafted.add(_labels(patient), patient.hu)
        names.append(patient.name)
    cohorts = {"generated": made, "35 planning CTs": contoured, "OpenKBP": low, "2 CTs, drafts": drafted}
    result = {
        **origin(),
        "patients": {name: len(cohort.patients) for name, cohort in cohorts.items()},
        "volumes_cm3": {name: volumes(cohort) for name, cohort in cohorts.items()},
        "hu": {name: densities(cohort) for name, cohort in cohorts.items()},
        "places": places(training_anatomy(made.patients), training_anatomy(contoured.patients)),
        "level_places": level_places(
            [centres(patient) for patient in made.patients],
            {
                **{name: centres(patient) for name, patient in zip(names, drafted.patients, strict=True)},
                "one patient": one_patient(arguments.data / "anatomy.json"),
            },
        ),
    }
    write_result(arguments, result, report(result))
    return 0


def planning_contours(data: Path) -> Iterator[Volume]:
    """StructSeg's labels of the 35 patients, as far as the contours have them."""
    table = np.zeros(256, np.uint8)
    for code, value in CONTOURED.items():
        table[code] = value
    for path in sorted((data / "organ_masks").glob("*.nii.gz")):
        volume = to_canonical(read_labels(path))
        yield Volume(table[volume.array], volume.geometry)


def openkbp_patients(data: Path) -> Iterator[tuple[Volume, Any]]:
    """Labels and HU of every patient with a contour."""
    for path in sorted((data / "openkbp").glob("*_ct.nii.gz")):
        given = read_labels(path.with_name(path.name.replace("_ct.", "_lab.")))
        if given.array.any():
            labels, _ = structseg_labels(given, path.name)
            yield to_canonical(labels), to_canonical(read_ct(path)).array


def centres(patient: Mapping[str, OrganMeasure]) -> dict[str, Sequence[float]]:
    """Centroids in mm up, back and left."""
    return {name: organ.center_mm for name, organ in patient.items()}


def one_patient(path: Path) -> dict[str, Sequence[float]]:
    """Centroids of the patient with nasopharyngeal carcinoma, mm up, back and left from the brain stem's."""
    organs = json.loads(path.read_text())["organs"]
    offsets = {
        name: organ["one_patient"]["offset_mm"] for name, organ in organs.items() if "one_patient" in organ
    }
    return {"brain_stem": (0.0, 0.0, 0.0), **{name: (z, y, x) for name, (x, y, z) in offsets.items()}}


def volumes(cohort: Cohort) -> dict[str, list[float]]:
    """Smallest, median and largest volume (cm3) of each organ that is whole in view."""
    found = {}
    for name in NAMES.values():
        values = [
            patient[name].volume_cm3
            for patient in cohort.patients
            if name in patient and not patient[name].at_border
        ]
        if values:
            found[name] = [min(values), median(values), max(values)]
    return found


def densities(cohort: Cohort) -> dict[str, list[float]]:
    """Percentiles of HU by organ."""
    return {
        name: [float(hu) for hu in np.percentile(values, PERCENTILES)] for name, values in cohort.hu.items()
    }


def places(made: Anatomy, real: Anatomy) -> dict[str, dict[str, Any]]:
    """Per organ of both: how far the typical places are apart once the frames lie on each other (mm)."""
    common = [name for name in made.organs if name in real.organs]
    shift = [
        median(real.organs[name].position_mm[axis] - made.organs[name].position_mm[axis] for name in common)
        for axis in range(3)
    ]
    found = {}
    for name in common:
        moved = [mm + by for mm, by in zip(made.organs[name].position_mm, shift, strict=True)]
        found[name] = {
            "apart_mm": dist(moved, real.organs[name].position_mm),
            "sd_generated_mm": made.organs[name].position_sd_mm,
            "sd_real_mm": real.organs[name].position_sd_mm,
        }
    return found


def _labels(patient: LabelledCT) -> Volume:
    z, y, x = patient.spacing
    grid = Geometry(patient.labels.shape, (x, y, z), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    return Volume(patient.labels, grid)


if __name__ == "__main__":
    raise SystemExit(main())
