"""Agreement on label maps small enough to count by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from agreement import Agreement, agreement_lines, compare, joint_counts, lowest, overall, pooled

BUNDLE = SimpleNamespace(
    organs=(
        SimpleNamespace(id=1, name="eye"),
        SimpleNamespace(id=7, name="cord"),
        SimpleNamespace(id=9, name="ear"),
    ),
    provider={1: "2d", 7: "3d", 9: "3d"},
)


def row(*labels: int) -> np.ndarray:
    return np.array(labels, np.uint8).reshape(2, 1, -1)


REFERENCE = {"2d": row(1, 1, 1, 1, 0, 0), "3d": row(7, 7, 0, 0, 0, 1)}
OTHER = {"2d": row(1, 1, 1, 0, 7, 0), "3d": row(7, 0, 7, 7, 1, 1)}


def test_each_organ_counts_in_its_own_model():
    eye, cord, ear = compare(REFERENCE, OTHER, BUNDLE)
    assert (eye.name, eye.model, eye.voxels, eye.same) == ("eye", "2d", 4, 0.75)
    # 2 * 3 / (4 + 3)
    assert eye.dsc == pytest.approx(6 / 7)
    # the cord in the 2D labels and the eye in the 3D labels are nobody's
    assert (cord.voxels, cord.same) == (2, 0.5)
    assert cord.dsc == pytest.approx(2 / 5)
    assert (ear.voxels, ear.same, ear.dsc) == (0, None, None)


def test_an_organ_that_only_the_other_run_found():
    (_, _, ear) = compare(REFERENCE, {**OTHER, "3d": row(9, 9, 9, 0, 0, 0)}, BUNDLE)
    assert (ear.voxels, ear.same, ear.dsc) == (0, None, 0.0)


def test_lowest_and_all_together():
    organs = compare(REFERENCE, OTHER, BUNDLE)
    assert lowest(organs) == 0.5
    # three of four and one of two
    assert overall(organs) == pytest.approx(4 / 6)
    nothing = compare({"2d": row(0, 0), "3d": row(0, 0)}, {"2d": row(0, 0), "3d": row(0, 0)}, BUNDLE)
    assert lowest(nothing) is None
    assert overall(nothing) is None


def test_joint_counts_hold_every_voxel():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 3, 10, 20)).astype(np.uint8)
    counts = joint_counts(first, second)
    assert counts.sum() == first.size
    assert np.array_equal(counts.sum(axis=1), np.bincount(first.ravel(), minlength=256))
    assert np.array_equal(joint_counts(second, first), counts.T)


def test_the_table_has_nnunet_left_and_single_precision_right():
    same = compare(REFERENCE, REFERENCE, BUNDLE)
    lines = agreement_lines(Agreement("tiny", "nothing", "half", compare(REFERENCE, OTHER, BUNDLE), same))
    assert "| eye | 2d | 4 | 0.75000 | 0.85714 | 4 | 1.00000 | 1.00000 |" in lines
    assert "| ear | 3d | 0 | - | - | 0 | - | - |" in lines
    assert "| **all organs** |  |  | 0.66667 |  |  | 1.00000 |  |" in lines
    assert any("half precision" in line for line in lines)


def test_several_cts_are_counted_together():
    both = {
        model: joint_counts(REFERENCE[model], OTHER[model]) + joint_counts(REFERENCE[model], REFERENCE[model])
        for model in REFERENCE
    }
    eye, cord, _ = pooled(both, BUNDLE)
    # three and four of twice four voxels; one and two of twice two
    assert (eye.voxels, eye.same) == (8, 7 / 8)
    assert (cord.voxels, cord.same) == (4, 3 / 4)
