"""Can these be the organs of a patient? Left and right, up and down, front and back, volume, density, pieces.

Positions are LPS mm: x towards the patient's left, y towards the back, z up.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean, median

from hnseg_infer.organs import Side, side_of
from hnseg_train.cohort_check.anatomy import (
    ABOVE,
    IN_FRONT,
    MEASURED_CM3,
    MEDIAN_HU,
    VOLUME_FACTOR,
    single,
)
from hnseg_train.cohort_check.findings import ERROR, WARNING, OrganFacts, Problem

LONE_SIDE_MM = 10.0
"""An organ without its partner is doubted only this far beyond the middle: heads are turned."""

_SIDES: tuple[tuple[Side, Side, int], ...] = (("L", "R", 1), ("R", "L", -1))
"""A side, the other one, and which way along x it lies."""


def implausible(organs: Sequence[OrganFacts]) -> Iterator[Problem]:
    """Every way in which the organs of one case cannot be a patient's, or are worth a look."""
    yield from _sides(organs)
    yield from _order(organs)
    yield from _volumes(organs)
    yield from _densities(organs)
    yield from _several_pieces(organs)


def _sides(organs: Sequence[OrganFacts]) -> Iterator[Problem]:
    sides: dict[str, dict[Side, OrganFacts]] = defaultdict(dict)
    for organ in organs:
        base, side = side_of(organ.name)
        sides[base][side] = organ
    pairs = [(found["L"], found["R"]) for found in sides.values() if "L" in found and "R" in found]
    swapped = [(left, right) for left, right in pairs if left.center_mm[0] <= right.center_mm[0]]
    if swapped:
        names = tuple(organ.name for pair in swapped for organ in pair)
        listed = "; ".join(f"{left.name} and {right.name}" for left, right in swapped)
        message = f"Left and right are swapped: {listed}."
        if len(swapped) == len(pairs) > 1:
            message = (
                f"Left and right are swapped in all {len(pairs)} pairs of organs: the label map is mirrored, "
                "its values are exchanged, or the header of the file turns the patient round."
            )
        yield Problem("sides_swapped", ERROR, message, names)
    middles = [(left.center_mm[0] + right.center_mm[0]) / 2 for left, right in pairs]
    middles += [organ.center_mm[0] for organ in organs if _in_the_middle(organ)]
    if middles:
        yield from _lone_sides(sides.values(), median(middles))


def _lone_sides(sides: Iterable[Mapping[Side, OrganFacts]], middle: float) -> Iterator[Problem]:
    for found in sides:
        for side, other, sign in _SIDES:
            if side not in found or other in found:
                continue
            beyond = sign * (middle - found[side].center_mm[0])
            if beyond > LONE_SIDE_MM:
                name = found[side].name
                message = f"{name} lies {beyond:.0f} mm beyond the middle, on the other side of the patient."
                yield Problem("side_doubtful", WARNING, message, (name,))


def _in_the_middle(organ: OrganFacts) -> bool:
    base, side = side_of(organ.name)
    return side == "-" and base in MEASURED_CM3


def _order(organs: Sequence[OrganFacts]) -> Iterator[Problem]:
    found: dict[str, list[OrganFacts]] = defaultdict(list)
    for organ in organs:
        found[side_of(organ.name)[0]].append(organ)
    wrong, names = [], []
    # LPS: up is +z, front is -y
    for rules, axis, sign, words in ((ABOVE, 2, 1, "below"), (IN_FRONT, 1, -1, "behind")):
        for first, second in rules:
            if first not in found or second not in found:
                continue
            places = [fmean(organ.center_mm[axis] for organ in found[name]) for name in (first, second)]
            if sign * (places[0] - places[1]) <= 0:
                wrong.append(f"{first} {words} {second}")
                names += [organ.name for name in (first, second) for organ in found[name]]
    if wrong:
        message = f"Organs lie in an order in which no patient's do: {'; '.join(wrong)}."
        yield Problem("implausible_order", ERROR, message, tuple(dict.fromkeys(names)))


def _volumes(organs: Sequence[OrganFacts]) -> Iterator[Problem]:
    found = []
    for organ in organs:
        low, high = MEASURED_CM3.get(side_of(organ.name)[0], (0.0, float("inf")))
        if not low / VOLUME_FACTOR <= organ.volume_cm3 <= high * VOLUME_FACTOR:
            found.append((organ, f"{organ.name} {organ.volume_cm3:.3g} (measured {low:g} to {high:g})"))
    if found:
        message = (
            f"Volumes in cm3 far from those of other patients: {'; '.join([text for _, text in found])}."
        )
        yield Problem("implausible_volume", WARNING, message, tuple(organ.name for organ, _ in found))


def _densities(organs: Sequence[OrganFacts]) -> Iterator[Problem]:
    found = []
    for organ in organs:
        limits = MEDIAN_HU.get(side_of(organ.name)[0])
        if organ.median_hu is None or limits is None:
            continue
        if not limits[0] <= organ.median_hu <= limits[1]:
            text = f"{organ.name} {organ.median_hu:.0f} HU ({limits[0]:.0f} to {limits[1]:.0f} expected)"
            found.append((organ, text))
    if found:
        message = (
            f"The CT does not show what the labels say, as when one of them is shifted or mirrored; "
            f"median of {'; '.join([text for _, text in found])}."
        )
        yield Problem("unlikely_density", WARNING, message, tuple(organ.name for organ, _ in found))


def _several_pieces(organs: Sequence[OrganFacts]) -> Iterator[Problem]:
    found = [organ for organ in organs if organ.pieces > 1 and single(organ.name)]
    if found:
        message = f"Organs in several pieces: {'; '.join(_pieces(organ) for organ in found)}."
        yield Problem("several_pieces", WARNING, message, tuple(organ.name for organ in found))


def _pieces(organ: OrganFacts) -> str:
    away = f", up to {organ.stray_mm:.0f} mm away" if organ.stray_mm >= 0.5 else ""
    counted = f"{organ.outside_largest} of {organ.voxels} voxels outside the largest{away}"
    return f"{organ.name} {organ.pieces} ({counted})"
