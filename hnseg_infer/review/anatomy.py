"""The patients that a bundle was trained on: how large their organs are, and where they lie.

Positions are mm up, back and left (z, y, x) in a frame that all patients share: each is shifted such that its
organs lie, in the median, where they typically do. Stored in bundle.json under ``anatomy``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

Place = tuple[float, float, float]


@dataclass(frozen=True)
class OrganAnatomy:
    """One organ in ``cases`` patients in whom all of it is in view.

    volume_cm3: geometric mean; volume_factor: geometric standard deviation. position_sd_mm: of an organ's
    position given the other organs'. at_border: share of all patients in whom it reaches the CT's edge.
    entropy_bits, entropy_sd_bits: of networks that had not seen the patient; None where not measured.
    """

    cases: int
    volume_cm3: float
    volume_factor: float
    position_mm: Place
    position_sd_mm: Place
    at_border: float
    entropy_bits: float | None = None
    entropy_sd_bits: float | None = None


@dataclass(frozen=True)
class PairAnatomy:
    """Left and right of one organ: geometric mean and standard deviation of left's volume by right's."""

    left: str
    right: str
    ratio: float
    ratio_factor: float


@dataclass(frozen=True)
class Anatomy:
    """organs: by name; those that too few patients showed are missing."""

    organs: Mapping[str, OrganAnatomy]
    pairs: tuple[PairAnatomy, ...]


def anatomy_json(anatomy: Anatomy) -> dict[str, Any]:
    """What bundle.json holds."""
    return {
        "organs": {name: asdict(organ) for name, organ in anatomy.organs.items()},
        "pairs": [asdict(pair) for pair in anatomy.pairs],
    }


def read_anatomy(content: Mapping[str, Any]) -> Anatomy:
    """From what bundle.json holds; raises KeyError, TypeError or ValueError when it is misstated."""
    organs = {str(name): _organ(entry) for name, entry in content["organs"].items()}
    pairs = tuple(
        PairAnatomy(
            str(pair["left"]), str(pair["right"]), _positive(pair["ratio"]), _positive(pair["ratio_factor"])
        )
        for pair in content["pairs"]
    )
    return Anatomy(organs, pairs)


def shift(places: Mapping[str, Place], typical: Mapping[str, Place], fewest: int) -> Place | None:
    """How far a patient is shifted from the common frame (mm), by the median over organs; None with too few.

    places: centres in the patient, by organ; typical: in the common frame.
    """
    offsets = [
        [own - usual for own, usual in zip(place, typical[name], strict=True)]
        for name, place in places.items()
        if name in typical
    ]
    if len(offsets) < fewest:
        return None
    z, y, x = (median(along) for along in zip(*offsets, strict=True))
    return z, y, x


def _organ(entry: Mapping[str, Any]) -> OrganAnatomy:
    entropies = (entry.get(key) for key in ("entropy_bits", "entropy_sd_bits"))
    mean, sd = (None if value is None else float(value) for value in entropies)
    return OrganAnatomy(
        cases=int(entry["cases"]),
        volume_cm3=_positive(entry["volume_cm3"]),
        volume_factor=_positive(entry["volume_factor"]),
        position_mm=_place(entry["position_mm"]),
        position_sd_mm=_place(entry["position_sd_mm"]),
        at_border=float(entry["at_border"]),
        entropy_bits=mean,
        entropy_sd_bits=sd,
    )


def _place(values: Any) -> Place:
    z, y, x = (float(value) for value in values)
    return z, y, x


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError(f"{number:g} is no size")
    return number
