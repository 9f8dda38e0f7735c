"""A cohort file: what a training draws its samples from, as YAML.

::

    sources:
      atlas:                         # goes before the names of its cases
        folder: atlas                # <case>/data.nii.gz and <case>/label.nii.gz, beside this file
        share: 2                     # of the samples, relative to the other sources'
        variants: 12                 # altered copies of each case that are trained on beside it
      openkbp:
        folder: openkbp
        share: 1
        spacing: [3, 1, 1]           # mm (z, y, x) to which its CTs are resampled
        contoured: [brain_stem, ...] # in every case that does not say otherwise
        cases: 40                    # at most

Only ``folder`` is required.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from hnseg_infer.errors import InputError
from hnseg_infer.spacing_rule import is_positive, three_mm
from hnseg_train.cases import Case, Source, source_cases

KEYS = ("folder", "share", "variants", "spacing", "contoured", "cases")

ORDER_SEED = 2019
"""Goes into the order in which cases are taken from a source, and dealt to the folds."""


def read_cohort(path: Path) -> tuple[Source, ...]:
    """The sources that a cohort file lists; folders are relative to it.

    Raises InputError for a file that cannot be read, and for whatever it says that is not accepted.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        listed = dict(content["sources"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as a cohort ({type(error).__name__}: {error}).") from None
    if not listed:
        raise InputError(f"{path} lists no sources; accepted is one or more.")
    return tuple(_source(path, str(name), entry) for name, entry in listed.items())


def cohort_cases(sources: tuple[Source, ...]) -> dict[str, Case]:
    """The cases of all sources by name, of each no more than it gives; which, follows from their names."""
    found: dict[str, Case] = {}
    for source in sources:
        cases = source_cases(source)
        if source.most_cases is not None:
            cases = sorted(
                sorted(cases, key=lambda case: name_order(case.name))[: source.most_cases],
                key=lambda case: case.name,
            )
        for case in cases:
            if found.setdefault(case.name, case) is not case:
                raise InputError(f"Two sources have a case {case.name}; accepted are names that differ.")
    return found


def name_order(name: str) -> bytes:
    """A key that sorts names at random, the same way wherever they come from."""
    return hashlib.sha256(f"{ORDER_SEED}:{name}".encode()).digest()


def _source(path: Path, name: str, entry: Any) -> Source:
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise InputError(f"{path} calls a source {name!r}; accepted are letters, digits and hyphens.")
    if not isinstance(entry, dict) or not isinstance(entry.get("folder"), str):
        raise InputError(f"{path} gives the source {name} no folder.")
    unknown = [key for key in entry if key not in KEYS]
    if unknown:
        raise InputError(
            f"{path} gives the source {name} the key {unknown[0]}; accepted are {', '.join(KEYS)}."
        )
    share, spacing, contoured = entry.get("share", 1.0), entry.get("spacing"), entry.get("contoured")
    variants, cases = entry.get("variants", 0), entry.get("cases")
    if not is_positive(share):
        raise _refused(path, name, "share", share, "a positive number")
    if not _is_count(variants, 0):
        raise _refused(path, name, "variants", variants, "0 or more")
    if cases is not None and not _is_count(cases, 1):
        raise _refused(path, name, "cases", cases, "1 or more")
    if spacing is not None and three_mm(spacing) is None:
        raise _refused(path, name, "spacing", spacing, "three mm (z, y, x)")
    if contoured is not None and not (
        isinstance(contoured, list) and contoured and all(isinstance(organ, str) for organ in contoured)
    ):
        raise _refused(path, name, "contoured", contoured, "names of organs")
    return Source(
        name=name,
        folder=path.parent / entry["folder"],
        share=float(share),
        spacing=three_mm(spacing),
        contoured=None if contoured is None else tuple(contoured),
        most_cases=cases,
        variants=variants,
    )


def _refused(path: Path, name: str, key: str, value: object, accepted: str) -> InputError:
    return InputError(f"{path} gives the source {name} the {key} {value!r}; accepted: {accepted}.")


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
