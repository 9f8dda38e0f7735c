"""What the training patients' organs are like: the statistics that a bundle's ``review`` compares with."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import exp, log, sqrt
from statistics import fmean, median, stdev

from hnseg_infer.organs import side_of
from hnseg_infer.review.anatomy import Anatomy, OrganAnatomy, PairAnatomy, Place, shift
from hnseg_infer.review.measure import OrganMeasure

FEWEST_CASES = 8
"""An organ that fewer patients show whole is not judged: its spread would be a guess."""

Patient = Mapping[str, OrganMeasure]
"""The organs of one patient, by name."""

_ROUNDS = 20
"""Places and shifts are medians of each other; a few rounds settle them."""


def training_anatomy(patients: Sequence[Patient], entropies: Sequence[Mapping[str, float]] = ()) -> Anatomy:
    """Statistics of the organs of labelled patients.

    entropies: per patient mean bits by organ, of networks that had not seen the patient.
    """
    whole = [{name: organ for name, organ in patient.items() if not organ.at_border} for patient in patients]
    counts = {name: sum(name in patient for patient in whole) for name in _names(whole)}
    judged = [name for name, count in counts.items() if count >= FEWEST_CASES]
    places = [
        {name: organ.center_mm for name, organ in patient.items() if name in judged} for patient in whole
    ]
    typical = _common_frame(places)
    organs = {
        name: _organ(
            name, patients, whole, places, typical, [bits[name] for bits in entropies if name in bits]
        )
        for name in judged
    }
    pairs = (_pair(left, right, whole) for left, right in _sides(judged))
    return Anatomy(organs, tuple(pair for pair in pairs if pair is not None))


def _organ(
    name: str,
    patients: Sequence[Patient],
    whole: Sequence[Patient],
    places: Sequence[Mapping[str, Place]],
    typical: Mapping[str, Place],
    bits: Sequence[float],
) -> OrganAnatomy:
    volumes = [log(patient[name].volume_cm3) for patient in whole if name in patient]
    at_border = [patient[name].at_border for patient in patients if name in patient]
    return OrganAnatomy(
        cases=len(volumes),
        volume_cm3=round(exp(fmean(volumes)), 4),
        volume_factor=round(exp(stdev(volumes)), 4),
        position_mm=_rounded(typical[name]),
        position_sd_mm=_rounded(_place_spread(name, places, typical)),
        at_border=round(fmean(at_border), 4),
        entropy_bits=round(fmean(bits), 4) if len(bits) >= FEWEST_CASES else None,
        entropy_sd_bits=round(stdev(bits), 4) if len(bits) >= FEWEST_CASES else None,
    )


def _common_frame(patients: Sequence[Mapping[str, Place]]) -> dict[str, Place]:
    """Typical place of each organ (mm), the mean over organs being 0: shifts and places fitted in turn."""
    names = _names(patients)
    # patients lack organs, so that the first guess is one patient's centre of what it has
    shifts: list[Place | None] = [_mean(patient.values()) if patient else None for patient in patients]
    typical: dict[str, Place] = {}
    for _ in range(_ROUNDS):
        typical = {}
        for name in names:
            moved = [
                [own - by for own, by in zip(patient[name], shifted, strict=True)]
                for patient, shifted in zip(patients, shifts, strict=True)
                if name in patient and shifted is not None
            ]
            z, y, x = (median(along) for along in zip(*moved, strict=True))
            typical[name] = (z, y, x)
        shifts = [shift(patient, typical, 1) for patient in patients]
    middle = _mean(typical.values()) if typical else (0.0, 0.0, 0.0)
    return {name: _minus(place, middle) for name, place in typical.items()}


def _place_spread(name: str, patients: Iterable[Mapping[str, Place]], typical: Mapping[str, Place]) -> Place:
    """Root mean square distance (mm, along each axis) of an organ from where the others would have it."""
    off = []
    for patient in patients:
        others = {other: place for other, place in patient.items() if other != name}
        moved = shift(others, typical, 2) if name in patient else None
        if moved is not None:
            off.append(_minus(_minus(patient[name], typical[name]), moved))
    if not off:
        return (0.0, 0.0, 0.0)
    z, y, x = (sqrt(fmean(mm**2 for mm in along)) for along in zip(*off, strict=True))
    return z, y, x


def _pair(left: str, right: str, whole: Sequence[Patient]) -> PairAnatomy | None:
    ratios = [
        log(patient[left].volume_cm3 / patient[right].volume_cm3)
        for patient in whole
        if left in patient and right in patient
    ]
    if len(ratios) < FEWEST_CASES:
        return None
    return PairAnatomy(left, right, round(exp(fmean(ratios)), 4), round(exp(stdev(ratios)), 4))


def _sides(names: Iterable[str]) -> list[tuple[str, str]]:
    """Left and right of the organs that are there twice."""
    ordered = sorted(names, key=side_of)
    return [
        (first, second)
        for first, second in pairwise(ordered)
        if side_of(first)[0] == side_of(second)[0] and side_of(first)[1] == "L"
    ]


def _names(patients: Iterable[Mapping[str, object]]) -> list[str]:
    """In the order in which they are first met."""
    return list(dict.fromkeys(name for patient in patients for name in patient))


def _mean(places: Iterable[Place]) -> Place:
    z, y, x = (fmean(along) for along in zip(*places, strict=True))
    return z, y, x


def _minus(place: Place, other: Place) -> Place:
    z, y, x = (own - by for own, by in zip(place, other, strict=True))
    return z, y, x


def _rounded(place: Place) -> Place:
    z, y, x = (round(mm, 2) for mm in place)
    return z, y, x
