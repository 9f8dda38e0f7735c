"""Which cases a model of each fold has not seen: from the cases' names and a seed alone."""

import hashlib
from collections.abc import Sequence

from hnseg_infer.errors import InputError

FOLD_SEED = 2019
"""Goes into the order in which cases are dealt to the folds."""


def deal_folds(names: Sequence[str], folds: int) -> tuple[tuple[str, ...], ...]:
    """For each fold the names of its held-out cases, sorted; sizes differ by one at most.

    The order of ``names`` does not matter. Raises InputError for fewer than two folds, and for fewer cases
    than folds.
    """
    if folds < 2:
        raise InputError(f"{folds} folds were asked for; accepted are 2 or more.")
    if len(names) < folds:
        raise InputError(f"There are {len(names)} cases for {folds} folds; at least one a fold is needed.")
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{FOLD_SEED}:{name}".encode()).digest())
    return tuple(tuple(sorted(shuffled[fold::folds])) for fold in range(folds))
