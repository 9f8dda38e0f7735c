"""CT numbers of several generated heads against real ones.

The bounds surround what two planning CTs with draft contours and 198 of OpenKBP have: 5th, 50th and 95th
percentile of an organ's voxels, as in ``benchmarks/results/phantoms_against_real.md``.
"""

import numpy as np
import pytest

from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_train.phantom import body, scanner
from hnseg_train.phantom.anatomy import GLOBE_CENTRE
from hnseg_train.phantom.generator import strokes
from hnseg_train.phantom.person import sample_person
from hnseg_train.phantom.render import node_planes, render
from hnseg_train.phantom.shapes import rotation
from hnseg_train.phantom.warp import node_grid, sample_pose

PATIENTS = 6
SHAPE = (42, 168, 168)
"""Slices of 3 mm with pixels of 1 mm, from the chin to over the eyes, the brain stem's y a little behind."""
FIRST = (-84.0, -125.0, -92.0)
ID = {organ.name: organ.id for organ in STRUCTSEG_ORGANS}

Head = dict[str, np.ndarray]


def _head(case: int) -> Head:
    """HU of each organ's voxels in the part of patient ``case`` that ``SHAPE`` covers."""
    rng = np.random.default_rng([77, case])
    pose, person = sample_pose(rng), sample_person(rng)
    nodes = node_grid(pose, FIRST, (1.0, 1.0, 1.0), (node_planes(SHAPE[0]), SHAPE[1] + 1, SHAPE[2] + 1))
    ct, labels = render(SHAPE, nodes, body.outline(person), strokes(rng, person), person, 0.0)
    ct = scanner.smooth(ct, 0.13)
    return {name: ct[labels == value] for name, value in ID.items()}


@pytest.fixture(scope="module")
def heads() -> list[Head]:
    return [_head(case) for case in range(1, PATIENTS + 1)]


def _percentiles(heads: list[Head], organ: str) -> np.ndarray:
    return np.percentile(np.concatenate([head[organ] for head in heads]), [5, 50, 95])


@pytest.mark.slow
def test_pituitary_is_no_denser_than_a_gland_in_its_fluid(heads: list[Head]) -> None:
    medians = np.array([np.median(head["pituitary"]) for head in heads])
    assert 12 < np.median(medians) < 40
    assert medians.min() > 0
    assert medians.max() < 80


@pytest.mark.slow
def test_chiasm_lies_free_in_its_cistern(heads: list[Head]) -> None:
    _, middle, high = _percentiles(heads, "optic_chiasm")
    assert 5 < middle < 30
    assert high < 60


@pytest.mark.slow
@pytest.mark.parametrize("side", ["left", "right"])
def test_middle_ear_is_air_lining_and_bone(heads: list[Head], side: str) -> None:
    low, middle, high = _percentiles(heads, f"middle_ear_{side}")
    assert low < -850
    assert -350 < middle < 300
    assert 700 < high < 1400


@pytest.mark.slow
@pytest.mark.parametrize("side", ["left", "right"])
def test_inner_ear_is_fluid_in_dense_bone(heads: list[Head], side: str) -> None:
    low, middle, high = _percentiles(heads, f"inner_ear_{side}")
    assert low < 350
    assert 1050 < middle < 1400
    assert high > 1500


@pytest.mark.slow
@pytest.mark.parametrize("side", ["left", "right"])
def test_mandible_is_soft_marrow_in_a_hard_shell(heads: list[Head], side: str) -> None:
    low, middle, high = _percentiles(heads, f"mandible_{side}")
    assert low < 300
    assert 550 < middle < 900
    assert high > 1300


@pytest.mark.slow
@pytest.mark.parametrize("side", ["left", "right"])
def test_parotids_differ_between_and_within_patients(heads: list[Head], side: str) -> None:
    low, middle, high = _percentiles(heads, f"parotid_{side}")
    assert -110 < low < -50
    assert -40 < middle < 10
    assert 15 < high < 70
    medians = [np.median(head[f"parotid_{side}"]) for head in heads]
    assert np.ptp(medians) > 25


def test_noise_differs_between_scanners() -> None:
    rng = np.random.default_rng(0)
    noise = [scanner.sample_scanner(rng).noise for _ in range(400)]
    low, middle, high = np.percentile(noise, [5, 50, 95])
    assert 5 <= min(noise) <= low < 8
    assert 10 < middle < 14
    assert 18 < high <= max(noise) <= 22


def test_chins_up_and_down_to_the_two_real_patients() -> None:
    """Their eyes lie 42 and 15 mm above the brain stem, where 28 is usual."""
    rng = np.random.default_rng(0)
    heights = []
    for _ in range(400):
        pose = sample_pose(rng)
        # the patient's eyes are where the turn takes them to the average patient's place
        heights.append((rotation(pose.yaw, pose.pitch, pose.roll).T @ GLOBE_CENTRE)[2])
    middle, spread = np.mean(heights), np.std(heights)
    assert middle == pytest.approx(28, abs=2.5)
    assert abs(42 - middle) < 1.5 * spread
    assert abs(15 - middle) < 1.5 * spread
    assert spread < 15
