"""Which organs of a case were contoured: ``contoured.json`` beside its files, where not all were."""

import json
from collections.abc import Collection
from pathlib import Path

from hnseg_infer.errors import InputError

CONTOURED_FILE = "contoured.json"
"""Holds ``{"organs": [names]}``. An organ that is not named is unknown in the case, not absent."""


def uncontoured(
    folder: Path, organs: Collection[str], otherwise: Collection[str] | None = None
) -> tuple[str, ...]:
    """Those of ``organs`` that nobody contoured in the case.

    otherwise: the organs that were contoured where the case has no such file, None for all. Raises
    InputError for a file that cannot be read, or that names none of the organs or another one.
    """
    path = folder / CONTOURED_FILE
    if not path.exists():
        return () if otherwise is None else tuple(name for name in organs if name not in otherwise)
    try:
        named = json.loads(path.read_text(encoding="utf-8"))["organs"]
        known = [name for name in named if name in organs]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f'{path} cannot be read; accepted is {{"organs": [names]}}.') from None
    if not named or len(known) < len(named):
        wrong = ", ".join(str(name) for name in named if name not in organs) or "no organ"
        raise InputError(f"{path} names {wrong}; accepted are names of the organ table, one at least.")
    return tuple(name for name in organs if name not in known)
