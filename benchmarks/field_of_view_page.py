"""The page of ``field_of_view.py``: thresholds, a table of CTs, a table of organs."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from fields_of_view import ALONG_Z, AS_IT_IS, IN_PLANE
from record import Check, check_table, origin_line

from hnseg_train.evaluation.table import markdown_table, number

LARGE_CM3 = 1.0
LEAST_LARGE, LEAST_SMALL = 0.97, 0.93
"""Agreement asked of organs of at least ``LARGE_CM3``, and of smaller ones."""

LEAST_MEAN = {"cptac_c3n01192": 0.72, "osirix_cerebrix": 0.67, "invesalius_0051": 0.67}
"""Mean DSC asked of CTs in a narrow field of view."""

Organs = Sequence[Mapping[str, Any]]


def checks(cases: Mapping[str, Organs]) -> list[Check]:
    """Every threshold."""
    found = []
    for large, least, words in (
        (True, LEAST_LARGE, f"of {LARGE_CM3:g} cm3 or more"),
        (False, LEAST_SMALL, "smaller ones"),
    ):
        values = [
            organ["agreement"]
            for organs in cases.values()
            for organ in organs
            if (organ["volume_cm3"] >= LARGE_CM3) is large and organ["agreement"] is not None
        ]
        lowest = min(values, default=None)
        criterion = f"lowest agreement of two fields in plane, organs {words}: >= {least}"
        found.append(Check(criterion, lowest, lowest is not None and lowest >= least))
    lost = sum(bool(organ["lost"]) for organs in cases.values() for organ in organs)
    found.append(Check("organs lost in a field: 0", float(lost), lost == 0))
    for name, least in LEAST_MEAN.items():
        if name in cases:
            mean = mean_dsc(cases[name], AS_IT_IS)
            found.append(Check(f"mean DSC of {name} as it is: >= {least}", mean, mean >= least))
            missed = sum(organ["volume_cm3"] == 0 for organ in cases[name] if organ["dsc"])
            found.append(Check(f"organs missed in {name}: 0", float(missed), missed == 0))
    return found


def mean_dsc(organs: Organs, field: str) -> float:
    """Over the organs that the draft has."""
    return fmean(organ["dsc"][field] for organ in organs if organ["dsc"])


def lowest(organs: Organs, key: str) -> tuple[float | None, str]:
    """The lowest value and whose it is."""
    known = [(organ[key], organ["name"]) for organ in organs if organ[key] is not None]
    return min(known, default=(None, "-"))


def summary(organs: Organs) -> str:
    """One CT in a line."""
    value, name = lowest(organs, "agreement")
    return f"mean DSC {mean_dsc(organs, AS_IT_IS):.4f}, lowest agreement {number(value, 3)} ({name})"


def page(
    result: Mapping[str, Any], found: Sequence[Check], before: Mapping[str, Organs] | None
) -> list[str]:
    """The result as lines of a Markdown page."""
    lines = [
        "# Fields of view",
        "",
        f"Every CT in plane {', '.join(IN_PLANE)}; along z {' and '.join(ALONG_Z)}. Agreement: DSC of an",
        "organ's labels in two fields, where both see. Mean DSC: against draft contours that are no",
        "clinician's, in full: a cord that goes on below the head alone counts as missed there.",
        f"Bundle `{result['bundle']['name']}`.",
        "",
        *check_table(found),
        "",
        *markdown_table(_header(before), [_row(name, result, before) for name in result["cases"]]),
        "",
        "Lowest agreement, and how far the organ's centroid moves at most:",
        "",
        *markdown_table(("organ", "agreement", "mm", "along z"), _organs(result["cases"])),
        "",
    ]
    if before is not None:
        lines += [
            "Before: the same script at commit 08c4540, in plane alone, on some of the CTs",
            "([its page](field_of_view_before.md)).",
            "",
        ]
    return [*lines, origin_line(result, result["device"])]


def _header(before: Mapping[str, Organs] | None) -> list[str]:
    fields = [f"DSC {field}" for field in (*IN_PLANE, *ALONG_Z)]
    earlier = [] if before is None else ["before: DSC as it is", "before: lowest agreement"]
    return ["CT", *fields, "lowest agreement", *earlier]


def _row(name: str, result: Mapping[str, Any], before: Mapping[str, Organs] | None) -> list[str]:
    organs = result["cases"][name]
    row = [name, *(number(mean_dsc(organs, field), 3) for field in (*IN_PLANE, *ALONG_Z)), _named(organs)]
    if before is not None:
        earlier = before.get(name)
        row += [number(mean_dsc(earlier, AS_IT_IS), 3), _named(earlier)] if earlier else ["-", "-"]
    return row


def _named(organs: Organs) -> str:
    value, name = lowest(organs, "agreement")
    return f"{number(value, 3)} ({name})"


def _organs(cases: Mapping[str, Organs]) -> list[list[str]]:
    rows = []
    for name in [organ["name"] for organ in next(iter(cases.values()))]:
        same = [organ for organs in cases.values() for organ in organs if organ["name"] == name]
        moved = max((organ["moved_mm"] for organ in same if organ["moved_mm"] is not None), default=None)
        agreement, along = lowest(same, "agreement")[0], lowest(same, "along_z")[0]
        rows.append([name, number(agreement, 3), number(moved, 2), number(along, 3)])
    return rows
