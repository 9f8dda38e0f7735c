"""The comparison of generated and real patients, on cohorts that were made up."""

import numpy as np
import phantoms_against_real as program
import pytest

from hnseg_infer.review.anatomy import Anatomy, OrganAnatomy
from hnseg_infer.volume import Geometry, Volume

SHAPE = (10, 12, 14)
GRID = Geometry(SHAPE, (1.0, 2.0, 5.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def patient(size: int) -> tuple[Volume, np.ndarray]:
    """A brain stem of ``size`` voxels along x, with HU that rise along x; an eye at the border."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:6, 4:6, 4 : 4 + size] = 1
    labels[8:10, 1:3, 1:3] = 2
    return Volume(labels, GRID), np.broadcast_to(np.arange(SHAPE[2]) * 10, SHAPE)


def test_volumes_are_those_of_whole_organs() -> None:
    cohort = program.Cohort()
    for size in (2, 4, 8):
        labels, hu = patient(size)
        cohort.add(labels, hu)
    # 6 voxels of 0.01 cm3 in each of the planes along x
    assert program.volumes(cohort) == {"brain_stem": pytest.approx([0.12, 0.24, 0.48])}


def test_densities_are_percentiles_of_voxels() -> None:
    cohort = program.Cohort()
    cohort.add(*patient(5))
    assert program.densities(cohort)["brain_stem"] == pytest.approx([40, 60, 80])
    cohort = program.Cohort()
    cohort.add(patient(5)[0])
    assert program.densities(cohort) == {}


def known(place: tuple[float, float, float]) -> OrganAnatomy:
    return OrganAnatomy(9, 1.0, 1.1, place, (1.0, 2.0, 3.0), 0.0)


def test_places_are_compared_once_the_frames_agree() -> None:
    made = {name: known((10.0 * index, 0.0, 0.0)) for index, name in enumerate(("a", "b", "c"))}
    real = {name: known((10.0 * index + 100, 7.0, -2.0)) for index, name in enumerate(("a", "b", "d"))}
    real["c"] = known((120.0, 7.0, 3.0))
    found = program.places(Anatomy(made, ()), Anatomy(real, ()))
    assert {name: place["apart_mm"] for name, place in found.items()} == pytest.approx(
        {"a": 0, "b": 0, "c": 5}
    )
