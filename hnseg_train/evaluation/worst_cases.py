"""Which cases of a cohort to look at first: per organ those with the lowest DSC."""

from dataclasses import dataclass
from math import inf
from re import sub

from hnseg_train.evaluation.cohort import Cases
from hnseg_train.evaluation.metrics import OrganScore

PER_ORGAN = 3
"""So many cases of each organ are listed."""


@dataclass(frozen=True)
class WorstCase:
    """An organ's score in one case; ``rank`` 1 is the worst."""

    case: str
    rank: int
    score: OrganScore

    @property
    def picture_name(self) -> str:
        """File name of the picture, which sorts by organ and rank."""
        name = f"{self.score.id:03d}_{self.score.name}_{self.rank}_{self.case}"
        return sub(r"[^\w.-]+", "_", name) + ".png"


def worst_cases(cases: Cases, count: int = PER_ORGAN) -> list[list[WorstCase]]:
    """For every organ that some reference holds its ``count`` worst cases, worst first; scores by case.

    Lower DSC is worse, at equal DSC higher HD95 (an undefined one is highest), then the name decides.
    """
    by_organ: dict[int, list[tuple[float, float, str, OrganScore]]] = {}
    for case, scores in cases.items():
        for score in scores:
            if score.dsc is not None:
                hd95 = inf if score.hd95_mm is None else score.hd95_mm
                by_organ.setdefault(score.id, []).append((score.dsc, -hd95, case, score))
    return [
        [
            WorstCase(case, rank, score)
            for rank, (_, _, case, score) in enumerate(sorted(by_organ[value], key=_place)[:count], start=1)
        ]
        for value in sorted(by_organ)
    ]


def _place(entry: tuple[float, float, str, OrganScore]) -> tuple[float, float, str]:
    return entry[:3]
