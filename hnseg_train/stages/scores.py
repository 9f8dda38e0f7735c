"""The scores of models on unseen cases as they lie in ``WORK/scores``, and when strays are worth removing.

A model's labels are scored as they are, and without strays (hnseg_infer/pieces.py). Unless that lowers an
organ's mean DSC, it counts, and a bundle in which the model provides the organ removes them: where no case
had strays, another CT may.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from hnseg_train.evaluation.comparison import Group, mean_by_group
from hnseg_train.evaluation.metrics import OrganScore
from hnseg_train.stages.road import write_json

WITHOUT_STRAYS = "without_strays"
"""Subfolder of a model's scores: the same without strays."""

Scores = dict[str, dict[str, list[OrganScore]]]
"""By model and case."""


def write_scores(work: Path, model: str, case: str, scores: Sequence[OrganScore]) -> Path:
    """Keep the scores of a model, or of ``MODEL/without_strays``, on a case; returns the file."""
    return write_json(_file(work, model, case), [asdict(score) for score in scores])


def read_scores_of(work: Path, model: str, cases: Sequence[str]) -> dict[str, list[OrganScore]]:
    """What ``write_scores`` kept, by case."""
    files = {case: _file(work, model, case) for case in cases}
    return {
        case: [OrganScore(**score) for score in json.loads(file.read_bytes())] for case, file in files.items()
    }


def read_best(
    work: Path, model: str, cases: Sequence[str], groups: Mapping[str, Group]
) -> tuple[dict[str, list[OrganScore]], frozenset[str]]:
    """A model's scores, each organ without strays where that is not worse, and the names of those organs.

    groups: as ``comparison.compare`` takes them.
    """
    plain = read_scores_of(work, model, cases)
    if not (work / "scores" / model / WITHOUT_STRAYS).is_dir():
        return plain, frozenset()
    removed = read_scores_of(work, f"{model}/{WITHOUT_STRAYS}", cases)
    before, after = (_means(scores, groups) for scores in (plain, removed))
    removing = frozenset(organ for organ, mean in after.items() if mean >= before[organ])
    chosen = {
        case: [
            alone if score.name in removing else score
            for score, alone in zip(plain[case], removed[case], strict=True)
        ]
        for case in cases
    }
    return chosen, removing


def _means(scores: Mapping[str, Sequence[OrganScore]], groups: Mapping[str, Group]) -> dict[str, float]:
    """Mean DSC by organ, of the cases whose reference holds it."""
    by_organ: dict[str, dict[str, float]] = {}
    for case, of_case in scores.items():
        for score in of_case:
            if score.dsc is not None:
                by_organ.setdefault(score.name, {})[case] = score.dsc
    return {organ: mean_by_group(values, groups) for organ, values in by_organ.items()}


def _file(work: Path, model: str, case: str) -> Path:
    return work / "scores" / model / f"{case}.json"
