"""The plane between two sides, on horseshoes that are turned and tilted, and on generated patients."""

import numpy as np
import pytest

from hnseg_train.openkbp.midline import left_half

SPACING = (3.0, 2.0, 2.0)


def horseshoe(turn: float, tilt: float, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A jaw-like arc with two upright ends, and which of its voxels are on the left of its own middle."""
    z, y, x = np.meshgrid(
        (np.arange(40) - 20) * 3.0, (np.arange(70) - 35) * 2.0, (np.arange(80) - 40) * 2.0, indexing="ij"
    )
    x = x - shift
    # into the jaw's own axes
    across = np.cos(tilt) * (np.cos(turn) * x + np.sin(turn) * y) + np.sin(tilt) * z
    ahead = -np.sin(turn) * x + np.cos(turn) * y
    up = np.cos(tilt) * z - np.sin(tilt) * (np.cos(turn) * x + np.sin(turn) * y)
    radius = np.hypot(across / 45, (ahead - 30) / 75)
    arc = (np.abs(radius - 1) < 0.12) & (ahead < 30) & (np.abs(up + 20) < 12)
    ends = (np.abs(np.abs(across) - 45) < 7) & (np.abs(ahead - 30) < 8) & (up > -32) & (up < 25)
    return arc | ends, across > 0


@pytest.mark.parametrize(
    ("turn", "tilt", "shift"), [(0, 0, 0), (0, 0, 17), (0.25, 0, 0), (-0.3, 0.1, 8), (0.1, -0.15, -9)]
)
def test_the_halves_of_a_turned_jaw(turn: float, tilt: float, shift: float) -> None:
    jaw, left = horseshoe(turn, tilt, shift)
    found = left_half(jaw, SPACING)
    assert not (found & ~jaw).any()
    wrong = (found != left)[jaw].mean()
    assert wrong < 0.02


def test_a_missing_end_does_not_turn_the_plane() -> None:
    jaw, left = horseshoe(0.1, 0.05)
    z = np.arange(jaw.shape[0])[:, None, None]
    cut = jaw & ~(left & (z > 18))
    assert cut.sum() < 0.95 * jaw.sum()
    assert (left_half(cut, SPACING) != left)[cut].mean() < 0.03


def test_an_empty_mask_has_an_empty_half() -> None:
    assert not left_half(np.zeros((3, 4, 5), bool), SPACING).any()


def test_the_drawn_sides_of_a_generated_patient() -> None:
    from hnseg_train.phantom import generate

    labels = generate(9000, 1).labels.array
    mandible = np.isin(labels, (21, 22))
    z, y, x = (slice(where.min(), where.max() + 1) for where in np.nonzero(mandible))
    mandible, drawn = mandible[z, y, x], labels[z, y, x] == 21
    found = left_half(mandible, (3.0, 1.0, 1.0))
    assert 2 * (found & drawn).sum() / (found.sum() + drawn.sum()) > 0.98


def test_half_a_jaw_has_no_plane_of_symmetry() -> None:
    jaw, left = horseshoe(0.1, 0.0)
    assert left_half(jaw & ~left, SPACING) is None
