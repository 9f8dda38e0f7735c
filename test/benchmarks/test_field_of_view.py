"""Fields of view of a drawn head, and what is said of labels that move in them."""

import numpy as np
import pytest
from field_of_view import apart, common, dsc, of_organ
from field_of_view_page import checks
from fields_of_view import ALONG_Z, AS_IT_IS, IN_PLANE, TIGHT, field_of_view
from synthetic_head import head_ct

SHAPE = (30, 56, 48)
EVERYTHING = slice(0, 30), slice(0, 56), slice(0, 48)


def drafted() -> np.ndarray:
    """An organ in the middle of the head."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:20, 24:32, 20:28] = 1
    return labels


@pytest.mark.parametrize("name", [*IN_PLANE, *ALONG_Z])
def test_labels_come_back_to_their_voxels(name: str) -> None:
    ct = head_ct()
    field = field_of_view(ct, drafted(), name)
    bone = (field.ct.array > 300).astype(np.uint8)
    back, inside = field.labels_on(bone, SHAPE), field.inside(SHAPE)
    np.testing.assert_array_equal(back[inside], ct.array[inside] > 300)
    assert back.sum() == (ct.array[inside] > 300).sum()


def test_sizes_of_fields() -> None:
    ct = head_ct()
    # pixels of 4 mm: 192 and 224 mm wide and high; slices of 5 mm
    assert field_of_view(ct, drafted(), "500 mm").ct.array.shape == (30, 125, 125)
    assert field_of_view(ct, drafted(), "60 mm of air above").ct.array.shape == (42, 56, 48)
    assert field_of_view(ct, drafted(), AS_IT_IS).ct.array.shape == SHAPE
    padded = field_of_view(ct, drafted(), "700 mm").ct.array
    assert padded.shape == (30, 175, 175)
    assert padded[:, 0].max() == padded[:, 0].min() == -1000


def test_a_tight_field_holds_the_head_and_20_mm() -> None:
    ct = head_ct()
    wide = field_of_view(ct, drafted(), "700 mm")
    moved = wide.labels_on(np.zeros(wide.ct.array.shape, np.uint8), SHAPE)
    assert not moved.any()
    shifted = np.pad(drafted(), ((0, 0), (59, 60), (63, 64)))
    rows, columns = field_of_view(wide.ct, shifted, TIGHT).inside(wide.ct.array.shape)[1:]
    skin = np.argwhere(wide.ct.array > -200)
    for part, axis in ((rows, 1), (columns, 2)):
        first, last = skin[:, axis].min(), skin[:, axis].max()
        assert 3 <= first - part.start <= 8
        assert 3 <= part.stop - 1 - last <= 8


def test_a_tight_field_holds_what_is_contoured() -> None:
    labels = drafted()
    labels[0, 50, 25] = 20
    rows = field_of_view(head_ct(), labels, TIGHT).inside(SHAPE)[1]
    # 20 mm are five rows
    assert rows.stop == 56


def test_masks_are_compared_where_both_are_seen() -> None:
    one = slice(0, 4), slice(2, 8), slice(0, 9)
    assert common(one, (slice(1, 9), slice(0, 5), slice(0, 9))) == (slice(1, 4), slice(2, 5), slice(0, 9))
    empty, cube = np.zeros((4, 4, 4), bool), np.zeros((4, 4, 4), bool)
    cube[:2, :2, :2] = True
    moved = np.roll(cube, 1, axis=0)
    assert dsc(cube, moved) == 0.5
    assert apart(cube, moved, (3.0, 1.0, 1.0)) == 3.0
    assert dsc(empty, empty) is None
    assert apart(cube, empty, (3.0, 1.0, 1.0)) is None


def test_an_organ_that_moves_or_is_lost_fails() -> None:
    draft = drafted()
    found = {name: draft for name in (*IN_PLANE, *ALONG_Z)}
    seen = dict.fromkeys(found, EVERYTHING)
    same = of_organ(1, "brain_stem", found, seen, draft, (5.0, 4.0, 4.0))
    assert (same.agreement, same.moved_mm, same.along_z, same.lost) == (1.0, 0.0, 1.0, [])
    # 640 voxels of 0.08 cm3
    assert same.volume_cm3 == pytest.approx(51.2)
    assert all(check.passed for check in checks({"a": [vars(same)]}) if check.measured is not None)
    found["700 mm"] = np.roll(draft, 1, axis=0)
    moved = of_organ(1, "brain_stem", found, seen, draft, (5.0, 4.0, 4.0))
    assert moved.agreement == pytest.approx(0.9)
    assert moved.moved_mm == pytest.approx(5.0)
    found["700 mm"] = np.zeros_like(draft)
    lost = of_organ(1, "brain_stem", found, seen, draft, (5.0, 4.0, 4.0))
    assert lost.lost == ["700 mm"]
    assert [check.passed for check in checks({"a": [vars(lost)]})][::2] == [False, False]
