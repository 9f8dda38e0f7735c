"""Finished trainings as their work folders hold them, and the choice between all of their models."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.errors import InputError
from hnseg_infer.installed import MANIFEST
from hnseg_infer.model_folder import read_json
from hnseg_train.evaluation.comparison import Comparison, Group, compare
from hnseg_train.stages.bundle import EXPORT
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.scores import Scores, read_best, read_scores_of
from hnseg_train.stages.tables import FUSED, TABLES


@dataclass(frozen=True)
class Training:
    """A bundle, what its bundle.json holds, and the cross-validation behind it.

    scores: of the bundle's models, by model and case; without strays where that is not worse. without_strays:
    by model the organs of which that is so. fused: the scores of all its models together. groups: each case's
    source and share, where there were several.
    """

    bundle: Bundle
    manifest: Mapping[str, Any]
    scores: Scores
    without_strays: Mapping[str, frozenset[str]]
    fused: Mapping[str, Any]
    groups: Mapping[str, Group]


def read_training(work: Path) -> Training:
    """What ``hnseg train`` left in a work folder; raises InputError when it is not finished."""
    ledger = Ledger(work)
    scored = ledger.finished(TABLES)
    manifests = [path for path in ledger.files(EXPORT, "bundle") if path.name == MANIFEST]
    if scored is None or not manifests:
        raise InputError(f"No training was finished in {work}; accepted is the work folder of hnseg train.")
    bundle = load_bundle(manifests[0].parent)
    cases = [item for item in scored if f"{item}_{FUSED}" in scored]
    manifest = read_json(manifests[0])
    groups = _groups(manifest["card"]["data"]["sources"], cases)
    best = {model.name: read_best(work, model.name, cases, groups) for model in bundle.models}
    return Training(
        bundle=bundle,
        manifest=manifest,
        scores={model: scores for model, (scores, _) in best.items()},
        without_strays={model: organs for model, (_, organs) in best.items()},
        fused=read_scores_of(work, FUSED, cases),
        groups=groups,
    )


def _groups(sources: Mapping[str, Mapping[str, Any]], cases: Sequence[str]) -> dict[str, Group]:
    """The sources' names begin those of their cases."""
    found = {}
    for case in cases:
        names = [name for name in sources if case.startswith(f"{name}_")]
        if names:
            name = max(names, key=len)
            found[case] = Group(name, sources[name]["share"])
    return found


def compare_trainings(trainings: Sequence[Training]) -> tuple[Scores, Comparison]:
    """The scores of all models and of each training's fused result, and who provides which organ.

    The first training's provider keeps an organ unless another model is better by more than the margin.
    Raises InputError where trainings share a model's name, outline different organs or saw other cases.
    """
    names = Counter(model for training in trainings for model in training.scores)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise InputError(f"More than one training has a model {twice[0]}; accepted are different systems.")
    first = trainings[0]
    for training in trainings[1:]:
        if training.bundle.organs != first.bundle.organs:
            raise InputError(f"{training.bundle.folder} and {first.bundle.folder} outline different organs.")
    candidates = {model: cases for training in trainings for model, cases in training.scores.items()}
    fused = {
        f"{training.bundle.name} {FUSED}": dict(training.fused)
        for training in trainings
        if len(training.scores) > 1
    }
    scores = {**candidates, **fused}
    published = first.manifest["provider"]
    return scores, compare(scores, published, candidates=list(candidates), groups=first.groups)
