"""Heads turned level: what a nod does is undone, and nothing else."""

from math import cos, radians, sin

import level_heads
import pytest

HEAD = {
    "brain_stem": (0.0, 0.0, 0.0),
    "eye_left": (27.9, -80.5, 31.0),
    "eye_right": (27.9, -80.5, -31.0),
    "pituitary": (16.0, -29.0, 0.5),
}


def nodded(degrees: float, at: tuple[float, float, float] = (100.0, 200.0, 250.0)) -> dict[str, list[float]]:
    """The head with its chin down by so many degrees, its brain stem at a place of the CT."""
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return {
        name: [z * c + y * s + at[0], y * c - z * s + at[1], x + at[2]] for name, (z, y, x) in HEAD.items()
    }


@pytest.mark.parametrize("degrees", [-20, 0, 9, 25])
def test_a_nod_is_undone(degrees: float) -> None:
    centres = nodded(degrees)
    assert (centres["eye_left"][0] - centres["brain_stem"][0] < 27.8) == (degrees > 0)
    head = level_heads.level(centres)
    assert head is not None
    for name, place in HEAD.items():
        assert head[name] == pytest.approx(place, abs=1e-9)


def test_without_an_eye_a_head_cannot_be_turned() -> None:
    centres = nodded(0)
    del centres["eye_right"]
    assert level_heads.level(centres) is None


def test_generated_places_are_averaged_and_real_ones_kept() -> None:
    other = {**HEAD, "pituitary": (10.0, -31.0, 1.5)}
    found = level_heads.level_places(
        [nodded(5), other, {"brain_stem": (0, 0, 0)}], {"a": nodded(-7), "b": {}}
    )
    assert found["pituitary"]["generated_mm"] == pytest.approx([13, -30, 1])
    assert found["pituitary"]["generated_sd_mm"] == pytest.approx([3, 1, 0.5])
    assert found["pituitary"]["real_mm"] == {"a": pytest.approx([16, -29, 0.5])}
    assert set(found) == {"pituitary"}
