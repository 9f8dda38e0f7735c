"""The range of slices with organs, on bodies built from discs and on real CTs with their contours.

The discs lie on a grid of 4 mm in plane and 10 mm between slices, so every slice is looked at, and
70 slices below the lowest brain and 1 above the highest tissue are kept.
"""

from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.slice_range import organ_slices
from hnseg_infer.volume import to_canonical

SPACING = (10.0, 4.0, 4.0)
AIR, LUNG, FAT, MUSCLE, BRAIN, BONE = -1000, -850, -100, 50, 35, 900
SIDE = 120
MIDDLE = SIDE // 2


def ellipse(plane: np.ndarray, x: float, y: float, wide: float, high: float, hu: int) -> None:
    rows, columns = np.ogrid[:SIDE, :SIDE]
    plane[((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2 <= 1] = hu


def plane_of(part: str) -> np.ndarray:
    """One slice: ``air``, or parts joined by a plus sign."""
    plane = np.full((SIDE, SIDE), AIR, dtype=np.int16)
    for each in part.split("+"):
        if each == "head":
            ellipse(plane, MIDDLE, 50, 20, 23, BONE)
            ellipse(plane, MIDDLE, 50, 18, 21, BRAIN)
        elif each == "face":
            ellipse(plane, MIDDLE, 50, 18, 22, MUSCLE)
            ellipse(plane, MIDDLE, 40, 6, 6, AIR)
        elif each == "neck":
            ellipse(plane, MIDDLE, 55, 14, 14, MUSCLE)
            ellipse(plane, MIDDLE, 62, 4, 4, BONE)
        elif each == "trunk":
            ellipse(plane, MIDDLE, 55, 45, 28, FAT)
            ellipse(plane, MIDDLE - 20, 55, 15, 20, LUNG)
            ellipse(plane, MIDDLE + 20, 55, 15, 20, LUNG)
            ellipse(plane, MIDDLE, 72, 5, 5, BONE)
        elif each in ("arms", "legs"):
            away, size = (32, 11) if each == "arms" else (16, 14)
            for x in (MIDDLE - away, MIDDLE + away):
                ellipse(plane, x, 55, size, size, MUSCLE)
                ellipse(plane, x, 55, 3, 3, BONE)
        elif each == "couch":
            plane[95:98, 5:115] = 100
    return plane


def body(*parts: tuple[str, int]) -> np.ndarray:
    """From the lowest slice up: what each shows, and how many slices show it."""
    return np.concatenate([np.repeat(plane_of(part)[None], count, axis=0) for part, count in parts])


HEAD_AND_SHOULDERS = (("trunk", 15), ("neck", 8), ("face", 7), ("head", 11))
LEGS_AND_TRUNK = (("legs", 80), ("trunk", 35))


def test_a_whole_body_is_cut_70_cm_below_the_brain_and_above_the_vertex() -> None:
    # lowest brain: 80 + 35 + 15 + 8 + 7 = 145; vertex: 155
    hu = body(*LEGS_AND_TRUNK, *HEAD_AND_SHOULDERS, ("air", 9))
    assert organ_slices(hu, SPACING) == slice(75, 157)


def test_a_head_and_neck_ct_loses_air_alone() -> None:
    assert organ_slices(body(*HEAD_AND_SHOULDERS), SPACING) == slice(0, 41)
    assert organ_slices(body(*HEAD_AND_SHOULDERS, ("air", 1)), SPACING) == slice(0, 42)
    assert organ_slices(body(*HEAD_AND_SHOULDERS, ("air", 20)), SPACING) == slice(0, 42)


def test_a_couch_above_the_vertex_is_air() -> None:
    parts = (*HEAD_AND_SHOULDERS, ("air", 9))
    hu = body(*((f"{part}+couch", count) for part, count in parts))
    assert organ_slices(hu, SPACING) == slice(0, 42)


def test_raised_arms_keep_the_lower_end_and_the_slices_with_hands() -> None:
    arms = (("trunk", 15), ("neck+arms", 8), ("face+arms", 7), ("head+arms", 11), ("arms", 20), ("air", 9))
    # lowest brain as above at 145, fingertips at 175
    assert organ_slices(body(*LEGS_AND_TRUNK, *arms), SPACING) == slice(75, 177)


def test_a_scan_that_starts_at_the_eyes_keeps_its_top() -> None:
    # lowest brain 145, of which two slices are in view
    hu = body(*LEGS_AND_TRUNK, *HEAD_AND_SHOULDERS[:-1], ("head", 2))
    assert organ_slices(hu, SPACING) == slice(75, 147)


@pytest.mark.parametrize(
    "parts",
    [
        (*LEGS_AND_TRUNK, ("trunk", 15), ("neck", 8), ("air", 9)),
        (("neck", 12),),
        (("air", 30),),
        (("air+couch", 30),),
        (*LEGS_AND_TRUNK, ("air", 9)),
    ],
    ids=["neck on top", "neck", "air", "couch", "no head"],
)
def test_without_a_head_nothing_is_left_out(parts: tuple[tuple[str, int], ...]) -> None:
    hu = body(*parts)
    assert organ_slices(hu, SPACING) == slice(0, len(hu))


def test_a_ct_stored_upside_down_is_not_cut() -> None:
    hu = body(*LEGS_AND_TRUNK, *HEAD_AND_SHOULDERS)[::-1]
    assert organ_slices(hu, SPACING) == slice(0, len(hu))


def test_a_head_cut_off_from_the_trunk_stays_in() -> None:
    # the trunk is the larger part, but not the highest
    hu = body(*LEGS_AND_TRUNK, ("trunk", 15), ("neck", 4), ("air", 4), ("face", 7), ("head", 11), ("air", 9))
    assert organ_slices(hu, SPACING) == slice(75, 157)


def test_thin_slices_are_kept_by_the_millimetre() -> None:
    parts = (*LEGS_AND_TRUNK, *HEAD_AND_SHOULDERS, ("air", 9))
    hu = body(*((part, 5 * count) for part, count in parts))
    kept = organ_slices(hu, (2.0, 4.0, 4.0))
    # vertex 779, 5 slices of 2 mm above it; lowest brain 725, found within the 12 mm above it
    assert kept.stop == 785
    assert 725 - 350 <= kept.start <= 725 + 5 - 350


def test_float_voxels_and_other_grids_in_plane() -> None:
    hu = body(*LEGS_AND_TRUNK, *HEAD_AND_SHOULDERS, ("air", 9)).astype(np.float32)
    fine = hu.repeat(4, axis=1).repeat(2, axis=2)
    assert organ_slices(fine, (10.0, 1.0, 2.0)) == slice(75, 157)


@pytest.mark.parametrize("name", ["head_neck_dicom", "head_neck_shoulders"])
def test_a_real_planning_ct_keeps_its_organs_and_its_body(shared_data: Path, name: str) -> None:
    folder = shared_data / "ct"
    ct = to_canonical(read_ct(next(path for path in folder.iterdir() if path.name.startswith(name))))
    labels = to_canonical(read_labels(shared_data / "atlas" / f"{name}_label.nii.gz")).array
    kept = organ_slices(ct.array, ct.geometry.spacing_zyx)
    assert not labels[: kept.start].any()
    assert not labels[kept.stop :].any()
    assert kept.start == 0

    # the lowest 60 mm repeated to 1.5 m: cut 700 mm below a brain that ends at the brain stem's lower end
    height = ct.geometry.spacing_zyx[0]
    low = round(60 / height)
    turns = round((1500 / height - len(ct.array)) / low)
    long = np.concatenate([*[ct.array[:low]] * turns, ct.array])
    stem = turns * low + int(np.flatnonzero((labels == 1).any(axis=(1, 2)))[0])
    start = organ_slices(long, ct.geometry.spacing_zyx).start
    assert 600 < (stem - start) * height < 750


# CTs of which only what concerns the organs is left: a gap between head and trunk; a cord hanging in air
@pytest.mark.parametrize("name", ["pt_10", "pt_329", "pt_270", "pt_100"])
def test_contours_of_a_blanked_out_ct_stay_in(shared_data: Path, name: str) -> None:
    ct = to_canonical(read_ct(shared_data / "openkbp" / f"{name}_ct.nii.gz"))
    labels = to_canonical(read_labels(shared_data / "openkbp" / f"{name}_lab.nii.gz")).array
    assert labels.any()
    kept = organ_slices(ct.array, ct.geometry.spacing_zyx)
    assert np.count_nonzero(labels[kept]) == np.count_nonzero(labels)
