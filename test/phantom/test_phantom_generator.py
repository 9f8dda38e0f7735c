"""One generated patient: grid, organs, sides, sizes, places and CT numbers.

Sizes and places are copied by hand from the measurements that ``anatomy`` names.
"""

import numpy as np
import pytest
from scipy import ndimage

from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_train.phantom import Phantom, generate

pytestmark = pytest.mark.slow

SEED = 20
ID = {organ.name: organ.id for organ in STRUCTSEG_ORGANS}
PAIRS = sorted(name.removesuffix("_left") for name in ID if name.endswith("_left"))

CM3 = {
    "brain_stem": (18, 37),
    "eye": (5.4, 12),
    "lens": (0.1, 0.35),
    "optic_nerve": (0.4, 1.35),
    "optic_chiasm": (0.65, 1.8),
    "temporal_lobe": (65, 150),
    "pituitary": (0.25, 0.65),
    "parotid": (13, 56),
    "inner_ear": (0.35, 0.9),
    "middle_ear": (1.0, 3.0),
    "tmj": (2.0, 4.5),
    "spinal_cord": (7, 40),
    "mandible": (17, 53),
}
"""Measured mean +- 3 SD; where one patient alone was measured, a generous range about it."""

OFFSET_MM = {
    "eye": ((32, -80.5, 28), (4, 6, 12)),
    "lens": ((32.5, -88, 28), (4.5, 6, 13)),
    "optic_nerve": ((22, -56, 24), (3.5, 5.5, 9)),
    "parotid": ((59, -26, -41), (5, 7, 7)),
    "inner_ear": ((34, -10, -5), (2.5, 3, 3.5)),
    "middle_ear": ((37, -10, -9), (4, 4, 5)),
    "tmj": ((50, -22, -13), (4, 5, 6)),
    "temporal_lobe": ((45, -3, 24), (5, 6, 6)),
}
"""Offset from the brain stem (left side) and its SD, mm LPS."""

EYES_MM = (-80.5, 27.9)
LEVEL_MM = {"optic_chiasm": ((0, -25, 24.5), (3, 4, 3)), "pituitary": ((0, -29, 16.5), (3, 2.5, 3))}
"""Offset in a head that is turned until the eyes have EYES_MM's direction (y, z): mean of three patients, and
a generous spread."""


@pytest.fixture(scope="module")
def patient() -> Phantom:
    return generate(SEED, 1)


@pytest.fixture(scope="module")
def boxes(patient: Phantom) -> dict[str, tuple[slice, slice, slice]]:
    """Each organ's bounding box: whole-scan masks would make these tests slow."""
    found = ndimage.find_objects(patient.labels.array, max_label=22)
    return {name: found[value - 1] for name, value in ID.items()}


@pytest.fixture(scope="module")
def masks(patient: Phantom, boxes: dict[str, tuple[slice, slice, slice]]) -> dict[str, np.ndarray]:
    """Each organ's mask in its bounding box."""
    return {name: patient.labels.array[box] == ID[name] for name, box in boxes.items()}


@pytest.fixture(scope="module")
def centres(
    patient: Phantom, boxes: dict[str, tuple[slice, slice, slice]], masks: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Each organ's centroid in LPS mm."""
    out = {}
    for name, mask in masks.items():
        z, y, x = np.argwhere(mask).mean(axis=0) + [side.start for side in boxes[name]]
        out[name] = patient.labels.geometry.position((z, y, x))
    return out


@pytest.fixture(scope="module")
def hu(
    patient: Phantom, boxes: dict[str, tuple[slice, slice, slice]], masks: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Each organ's CT numbers."""
    return {name: patient.ct.array[box][masks[name]] for name, box in boxes.items()}


def test_grid_is_structsegs(patient: Phantom) -> None:
    geometry = patient.ct.geometry
    slices, rows, columns = geometry.shape
    assert 100 <= slices <= 152
    assert (rows, columns) == (512, 512)
    assert 0.977 <= geometry.spacing[0] == geometry.spacing[1] <= 1.184
    assert geometry.spacing[2] == 3
    assert geometry.direction == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert patient.labels.geometry == geometry
    assert (patient.ct.array.dtype, patient.labels.array.dtype) == (np.int16, np.uint8)
    assert -1024 <= patient.ct.array.min() <= patient.ct.array.max() <= 3071


def test_every_organ_is_there_and_nothing_else(patient: Phantom) -> None:
    np.testing.assert_array_equal(np.unique(patient.labels.array), range(23))


def test_organs_are_in_one_piece(masks: dict[str, np.ndarray]) -> None:
    for name, mask in masks.items():
        pieces, count = ndimage.label(mask, np.ones((3, 3, 3)))
        sizes = np.bincount(pieces.ravel())[1 : count + 1]
        assert sizes.max() >= 0.95 * sizes.sum(), name


@pytest.mark.parametrize("pair", PAIRS)
def test_left_organs_lie_at_larger_x(centres: dict[str, np.ndarray], pair: str) -> None:
    left, stem, right = (centres[name][0] for name in (f"{pair}_left", "brain_stem", f"{pair}_right"))
    assert left > stem > right


@pytest.mark.parametrize("name", list(ID))
def test_volumes_are_human(patient: Phantom, masks: dict[str, np.ndarray], name: str) -> None:
    low, high = CM3[name.removesuffix("_left").removesuffix("_right")]
    assert low < masks[name].sum() * patient.labels.geometry.voxel_cm3 < high


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("organ", list(OFFSET_MM))
def test_organs_lie_where_they_were_measured(centres: dict[str, np.ndarray], organ: str, side: str) -> None:
    mean, spread = (np.array(value) for value in OFFSET_MM[organ])
    offset = centres[f"{organ}_{side}"] - centres["brain_stem"]
    offset[0] *= 1 if side == "left" else -1
    assert (np.abs(offset - mean) < 3 * spread).all(), offset


@pytest.mark.parametrize("organ", list(LEVEL_MM))
def test_sella_is_as_high_as_in_patients_with_their_eyes_there(
    centres: dict[str, np.ndarray], organ: str
) -> None:
    stem = centres["brain_stem"]
    eyes = (centres["eye_left"] + centres["eye_right"]) / 2 - stem
    x, y, z = centres[organ] - stem
    # complex numbers turn a plane
    turn = complex(*EYES_MM) / abs(complex(*EYES_MM)) / (complex(*eyes[1:]) / abs(complex(*eyes[1:])))
    level = complex(y, z) * turn
    mean, spread = (np.array(value) for value in LEVEL_MM[organ])
    assert (np.abs((x, level.real, level.imag) - mean) < 2 * spread).all(), level


def test_neighbours_are_in_order(centres: dict[str, np.ndarray]) -> None:
    x, y, z = range(3)
    assert centres["optic_chiasm"][z] > centres["pituitary"][z]
    assert centres["pituitary"][y] < centres["brain_stem"][y]
    assert centres["spinal_cord"][z] < centres["brain_stem"][z]
    for side, outwards in (("left", 1), ("right", -1)):
        assert centres[f"lens_{side}"][y] < centres[f"eye_{side}"][y]
        assert centres[f"eye_{side}"][y] < centres[f"optic_nerve_{side}"][y]
        middle, inner = (centres[f"{part}_ear_{side}"] for part in ("middle", "inner"))
        assert outwards * (middle[x] - inner[x]) > 0


def test_cord_reaches_the_last_slice_from_the_brain_stem(
    boxes: dict[str, tuple[slice, slice, slice]], masks: dict[str, np.ndarray]
) -> None:
    assert boxes["spinal_cord"][0].start == 0
    assert masks["spinal_cord"].any(axis=(1, 2)).all()
    assert abs(boxes["brain_stem"][0].start - boxes["spinal_cord"][0].stop) <= 4


def test_ct_numbers_are_those_of_the_tissues(patient: Phantom, hu: dict[str, np.ndarray]) -> None:
    assert patient.ct.array[-1, :40, :40].mean() < -950
    assert 15 < hu["brain_stem"].mean() < 45
    for side in ("left", "right"):
        assert 0 < np.median(hu[f"eye_{side}"]) < 30
        assert np.median(hu[f"lens_{side}"]) > np.median(hu[f"eye_{side}"]) + 30
        assert 15 < np.median(hu[f"temporal_lobe_{side}"]) < 50
        assert -80 < np.median(hu[f"parotid_{side}"]) < 45
        assert hu[f"inner_ear_{side}"].mean() > 700
        assert np.percentile(hu[f"middle_ear_{side}"], 95) > 300
        assert 150 < hu[f"tmj_{side}"].mean() < 700
        assert 500 < hu[f"mandible_{side}"].mean() < 1300


def test_cord_lies_in_a_bony_canal(
    patient: Phantom, boxes: dict[str, tuple[slice, slice, slice]], masks: dict[str, np.ndarray]
) -> None:
    """Most rays to the left and right of the cord meet bone within 25 mm."""
    reach = round(25 / patient.ct.geometry.spacing[0])
    _, rows, columns = boxes["spinal_cord"]
    hits = []
    for k, mask in enumerate(masks["spinal_cord"]):
        y, x = np.add(np.argwhere(mask).mean(axis=0).astype(int), (rows.start, columns.start))
        line = patient.ct.array[k, y, x - reach : x + reach + 1]
        hits.append((line[:reach].max() > 250) and (line[reach:].max() > 250))
    assert np.mean(hits) > 0.7


def test_seed_and_case_decide_every_voxel(patient: Phantom) -> None:
    again = generate(SEED, 1)
    np.testing.assert_array_equal(again.ct.array, patient.ct.array)
    np.testing.assert_array_equal(again.labels.array, patient.labels.array)
    assert again.ct.geometry == patient.ct.geometry


def test_other_cases_are_other_patients(patient: Phantom) -> None:
    other = generate(SEED, 2)
    assert other.ct.geometry != patient.ct.geometry
    np.testing.assert_array_equal(np.unique(other.labels.array), range(23))
