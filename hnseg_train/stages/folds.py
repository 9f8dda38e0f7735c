"""Which cases a model of each fold has not seen: from the cases' names and a seed alone."""

from collections.abc import Sequence

from hnseg_infer.errors import InputError
from hnseg_train.cohort import name_order


def deal_folds(groups: Sequence[Sequence[str]], folds: int) -> tuple[tuple[str, ...], ...]:
    """For each fold the names of its held-out cases, sorted; of each group, and in all, about as many.

    groups: the cases of each source. The order of names in a group does not matter. Raises InputError for
    fewer than two folds, and for fewer cases than folds.
    """
    if folds < 2:
        raise InputError(f"{folds} folds were asked for; accepted are 2 or more.")
    cases = sum(len(names) for names in groups)
    if cases < folds:
        raise InputError(f"There are {cases} cases for {folds} folds; at least one a fold is needed.")
    shuffled = [name for names in groups for name in sorted(names, key=name_order)]
    return tuple(tuple(sorted(shuffled[fold::folds])) for fold in range(folds))
