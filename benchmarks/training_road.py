"""How long the training road takes on six generated patients, from a fresh clone to a bundle that segments.

    python benchmarks/training_road.py

Clones this repository into a temporary folder, runs ``training/try.sh`` there and writes
``results/training_road.json`` and ``.md``; exits with 1 when it took more than 15 minutes. The virtual
environment is made anew, too; packages come from pip's cache or the network.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from record import Check, add_output_options, check_table, origin, origin_line, write_result

from hnseg_train.evaluation.table import markdown_table

ROOT = Path(__file__).parents[1]

LIMIT_MINUTES = 15.0

STAGE_DONE = re.compile(r"([\w-]+): \d+ of \d+ made, done")
"""What ``hnseg train`` says at the end of a stage."""

BEFORE, AFTER = "environment and patients", "segment a CT with the bundle"


def main() -> int:
    """Run, write, and return 1 when it took too long; a failure of the road is raised."""
    parser = argparse.ArgumentParser(description="Seconds of the training road, stage by stage.")
    add_output_options(parser, "training_road")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        seconds = run_timed([str(clone / "training" / "try.sh")])
    total = sum(seconds.values()) / 60
    check = Check(f"at most {LIMIT_MINUTES:.0f} minutes", total, total <= LIMIT_MINUTES)
    result = {"seconds": seconds, "minutes": total, "passed": check.passed, **origin()}
    write_result(arguments, result, report(result, check))
    return 0 if check.passed else 1


def run_timed(command: list[str]) -> dict[str, float]:
    """Seconds of each stage, and of what comes before and after them. Raises when the command fails."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seconds: dict[str, float] = {}
    last = perf_counter()
    for line in process.stdout:
        print(line, end="", flush=True)
        match = STAGE_DONE.fullmatch(line.strip())
        if match or (not seconds and line.startswith("data-check:")):
            now = perf_counter()
            seconds[match[1] if match else BEFORE] = now - last
            last = now
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds[AFTER] = perf_counter() - last
    return seconds


def report(result: Mapping[str, Any], check: Check) -> list[str]:
    """The result as lines of a Markdown page."""
    rows = [(name, f"{value:.0f}") for name, value in result["seconds"].items()]
    return [
        "# The training road from a fresh clone",
        "",
        "`training/try.sh`: six generated patients of about 256 x 256 x 90 voxels, two folds, plan `check`, "
        "every stage.",
        "",
        *markdown_table(("", "seconds"), rows),
        "",
        *check_table([check]),
        "",
        origin_line(result, "cpu"),
    ]


if __name__ == "__main__":
    sys.exit(main())
