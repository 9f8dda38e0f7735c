"""What becomes of CTs whose headers were mutated at random: each is refused in one sentence or read.

    python benchmarks/mutated_headers.py [--count 3000] [--seed 0] [--keep DIR]

Reads ``--count`` files each of MetaImage, NIfTI, NRRD and DICOM as ``hnseg segment`` does up to the networks,
in a process of its own with a limit on memory and time. Writes ``results/mutated_headers.json`` and ``.md``;
exits with 1 when a file ends in a raw exception, a crash, a hang, a hunger for memory or anything else but a
sentence, and puts it into ``--keep``.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from guarded_reader import FAILURES, MEMORY_GIB, READ, REFUSED, SECONDS, GuardedReader, Outcome
from header_mutations import FORMATS, mutated
from mutated_samples import OUTSIDE, SHAPE, Sample
from record import Check, add_output_options, check_table, origin, origin_line, write_result

from hnseg_train.evaluation.table import markdown_table


@dataclass(frozen=True)
class FormatCounts:
    """Outcomes of one format. peak_mib: by how much reading grew the process's resident memory at most."""

    name: str
    files: int
    outcomes: dict[str, int]
    seconds: float
    longest_seconds: float
    peak_mib: float
    failed: list[dict[str, Any]]


def main() -> int:
    """Mutate, read, write the result; returns 1 when anything else than a sentence or a CT came out."""
    parser = argparse.ArgumentParser(description="Mutated headers: refused in one sentence or read.")
    parser.add_argument("--count", type=int, default=3000, help="files of each format (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for the files that failed")
    add_output_options(parser, "mutated_headers")
    arguments = parser.parse_args()
    formats = [trial(name, arguments.count, arguments.seed, arguments.keep) for name in FORMATS]
    checks = check(formats)
    result = {
        **origin(),
        "seed": arguments.seed,
        "checks": [asdict(item) for item in checks],
        "formats": [asdict(item) for item in formats],
    }
    write_result(arguments, result, report(result))
    return 0 if all(item.passed for item in checks) else 1


def trial(name: str, count: int, seed: int, keep: Path | None) -> FormatCounts:
    """Read ``count`` mutated files of one format; the same seed makes the same files."""
    outcomes: Counter[str] = Counter()
    failed = []
    longest = 0.0
    with tempfile.TemporaryDirectory() as scratch, GuardedReader() as reader:
        (Path(scratch) / "outside.raw").write_bytes(OUTSIDE)
        folder = Path(scratch) / "ct"
        peaks = [reader.read(folder).peak_mib]
        start = time.perf_counter()
        for number in range(count):
            sample = mutated(name, np.random.default_rng([seed, list(FORMATS).index(name), number]))
            write_files(sample, folder)
            began = time.perf_counter()
            outcome = reader.read(folder / sample.entry)
            longest = max(longest, time.perf_counter() - began)
            peaks.append(outcome.peak_mib)
            outcomes[outcome.kind] += 1
            if outcome.kind in FAILURES:
                failed.append({"number": number, "kind": outcome.kind, "detail": outcome.detail})
                _say(name, number, outcome)
                if keep:
                    write_files(sample, keep / f"{name}_{number}")
        seconds = time.perf_counter() - start
    return FormatCounts(name, count, dict(outcomes), seconds, longest, max(peaks) - peaks[0], failed)


def write_files(sample: Sample, folder: Path) -> None:
    """Write the files of a sample, alone in their folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in sample.files.items():
        (folder / name).write_bytes(content)


def check(formats: Sequence[FormatCounts]) -> list[Check]:
    """One threshold per kind of failure: none."""
    checks = []
    for kind in FAILURES:
        count = sum(item.outcomes.get(kind, 0) for item in formats)
        checks.append(Check(f"{kind}: 0", float(count), count == 0))
    return checks


def report(result: Mapping[str, Any]) -> list[str]:
    """The page."""
    rows = [
        (
            item["name"],
            str(item["files"]),
            *(str(item["outcomes"].get(kind, 0)) for kind in (READ, REFUSED)),
            str(len(item["failed"])),
            f"{item['seconds']:.0f}",
            f"{item['longest_seconds']:.2f}",
            f"{item['peak_mib']:.0f}",
        )
        for item in result["formats"]
    ]
    size = " x ".join(map(str, reversed(SHAPE)))
    return [
        "# Mutated headers",
        "",
        f"CTs of {size} voxels whose headers were changed at random: bytes flipped, inserted, removed, all",
        "behind them cut off; lines and elements removed, doubled, exchanged; fields set to 0, -1, nan,",
        "infinity, to what is huge, empty, 100,000 characters long or the path of another file. Each is read",
        f"and checked as `hnseg segment` does before its networks run, within {SECONDS:.0f} s and",
        f"{MEMORY_GIB} GiB.",
        "",
        *check_table([Check(**item) for item in result["checks"]]),
        "",
        *markdown_table(
            ("format", "files", "read", "refused in a sentence", "failed", "s", "longest, s", "MiB"), rows
        ),
        "",
        "MiB: by how much memory the reading process grew at most.",
        "",
        origin_line(result, "none"),
    ]


def _say(name: str, number: int, outcome: Outcome) -> None:
    print(f"{name} {number}: {outcome.kind}: {outcome.detail}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
