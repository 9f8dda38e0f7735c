"""How long the container takes for a CT, from its start to its exit, in Grand Challenge's sandbox.

    ./build.sh && python benchmarks/container_time.py CT [CT ...]

Each CT is a file or a DICOM folder; of several runs each time is kept. Writes ``results/container_time.json``
and exits with 1 when a run fails or takes longer than the challenge allows.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import command_line, describe_machine
from sandbox import FLAGS, LIMIT, open_folder, run_sandboxed

from hnseg_infer.formats import read_ct

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run every CT, print a line each, write the result file; returns 1 when one failed or was too slow."""
    parser = argparse.ArgumentParser(description="Time of the container per CT.")
    parser.add_argument("cts", nargs="+", type=Path, metavar="CT")
    parser.add_argument("--runs", type=int, default=3, help="runs of each CT (default: 3)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the result file")
    arguments = parser.parse_args()
    cases = [time_case(ct, arguments.runs) for ct in arguments.cts]
    slowest = max(max(case["wall_seconds"]) for case in cases)
    result = {
        "command": command_line(),
        "machine": describe_machine(),
        "sandbox": FLAGS,
        "limit_seconds": LIMIT,
        "slowest_seconds": slowest,
        "cases": cases,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "container_time.json").write_text(json.dumps(result, indent=2) + "\n")
    return 0 if slowest < LIMIT else 1


def time_case(ct: Path, runs: int) -> dict[str, Any]:
    """Wall seconds of each run, and what the last run's report says. Raises SystemExit when a run fails."""
    shape = read_ct(ct).geometry.shape
    walls = []
    with tempfile.TemporaryDirectory() as scratch:
        source, output = ct.resolve(), Path(scratch) / "output"
        if not ct.is_dir():
            source = Path(scratch) / "input"
            source.mkdir()
            shutil.copy(ct, source)
        # the container's user is not the one who made this folder
        Path(scratch).chmod(0o755)
        for _ in range(runs):
            shutil.rmtree(output, ignore_errors=True)
            open_folder(output)
            start = time.perf_counter()
            result = run_sandboxed(source, output)
            walls.append(round(time.perf_counter() - start, 2))
            if result.returncode != 0:
                sys.exit(f"{ct.name}: {result.stderr}")
        report = json.loads((output / "results.json").read_text())
    print(f"{ct.name}  {' x '.join(map(str, shape[::-1]))}  {' '.join(map(str, walls))} s")
    keys = ("bundle", "device", "seconds", "warnings")
    return {"ct": ct.name, "shape_zyx": shape, "wall_seconds": walls, **{key: report[key] for key in keys}}


if __name__ == "__main__":
    sys.exit(main())
