"""How often ``review`` is asked for on ordinary CTs, and how often on broken ones.

    hnseg openkbp OPENKBP --out TRAIN --test TEST
    python benchmarks/review_rates.py TEST

writes ``results/review_rates.json`` and ``.md``. TEST holds cases that the bundle was not trained on. A CT
that is refused with an error counts as caught.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from broken_cts import BROKEN
from record import add_output_options, origin, origin_line, write_result

from hnseg_infer.errors import InputError
from hnseg_infer.formats import read_ct
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.pipeline import segment
from hnseg_infer.volume import Volume, to_canonical
from hnseg_train.cases import find_cases
from hnseg_train.evaluation.table import markdown_table

AS_IT_IS = "as it is"

REFUSED = "refused"

Reasons = list[tuple[str, str | None]]
"""Code and organ of each."""


def main() -> int:
    """Segment every CT as it is and broken in each way; write how often a review was asked for."""
    parser = argparse.ArgumentParser(description="False alarms and detections of review.")
    parser.add_argument("test", type=Path, metavar="TEST", help="cases that the bundle was not trained on")
    parser.add_argument("--bundle", type=Path, default=Path("openkbp6"), help="(default: %(default)s)")
    add_output_options(parser, "review_rates")
    arguments = parser.parse_args()
    loaded = load(arguments.bundle)
    found: dict[str, dict[str, Reasons]] = {kind: {} for kind in (AS_IT_IS, *BROKEN)}
    for case in find_cases(arguments.test):
        ct = to_canonical(read_ct(case.ct))
        found[AS_IT_IS][case.name] = reasons(ct, loaded)
        for kind, broken in BROKEN.items():
            found[kind][case.name] = reasons(broken(ct), loaded)
        print(f"{case.name}: {found[AS_IT_IS][case.name]}", flush=True)
    result = {
        **origin(),
        "bundle": {"name": loaded.bundle.name, "trained_on": loaded.bundle.trained_on},
        "device": loaded.device,
        "rates": {kind: rate(cases) for kind, cases in found.items()},
        "reasons": found,
    }
    write_result(arguments, result, report(result, found))
    return 0


def reasons(ct: Volume, loaded: LoadedBundle) -> Reasons:
    """Why a review is asked for; none when it is not."""
    try:
        prediction = segment(ct, bundle=loaded)
    except InputError:
        return [(REFUSED, None)]
    return [(reason.code, reason.organ) for reason in prediction.review]


def rate(cases: Mapping[str, Reasons]) -> float:
    """Share of the cases with any reason."""
    return sum(map(bool, cases.values())) / len(cases)


def report(result: Mapping[str, Any], found: Mapping[str, Mapping[str, Reasons]]) -> list[str]:
    """The result as lines of a Markdown page."""
    rows = [
        (
            kind,
            f"{sum(map(bool, cases.values()))} of {len(cases)}",
            f"{rate(cases):.0%}",
            _usual(cases.values()),
        )
        for kind, cases in found.items()
    ]
    alarms = {case: listed for case, listed in found[AS_IT_IS].items() if listed}
    return [
        "# How often a review is asked for",
        "",
        f"Bundle `{result['bundle']['name']}` on {len(found[AS_IT_IS])} real CTs that it was not trained on, "
        f"as they are and broken in {len(BROKEN)} ways.",
        "",
        *markdown_table(("the CT", "review", "share", "reasons, in so many cases"), rows),
        "",
        "A review of a CT as it is is not always a false alarm: these are the reasons.",
        "",
        *(f"- {case}: {', '.join(_words(listed))}" for case, listed in alarms.items()),
        "",
        origin_line(result, result["device"]),
    ]


def _usual(cases: Any) -> str:
    counted = Counter(code for listed in cases for code in {code for code, _ in listed})
    return ", ".join(f"{code} {count}" for code, count in counted.most_common(4)) or "-"


def _words(listed: Sequence[tuple[str, str | None]]) -> list[str]:
    return [code if organ is None else f"{code} {organ}" for code, organ in listed]


if __name__ == "__main__":
    raise SystemExit(main())
