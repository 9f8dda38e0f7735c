"""Runs a command as a process of its own: how long it took, and its peak memory.

Linux counts what the starting process held into the peak of the one that it starts. So a small process stands
in between, which is this file run as a script: ``python child.py REPORT COMMAND ...``.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """A finished command. seconds: wall time from start to exit.

    peak_mib: its largest resident memory, which counts the libraries and weights that it mapped and shares.
    """

    seconds: float
    peak_mib: float
    stdout: str

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON object in the last line of standard output."""
        content: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return content


def run_child(command: Sequence[str | Path]) -> Run:
    """Run a command in the repository root, with this checkout's packages, to its end.

    Raises SystemExit with the command's errors when it fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        done = subprocess.run(
            [sys.executable, "-I", "-S", __file__, report, *command],
            env=own_environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
        measured = json.loads(report.read_text())
    return Run(measured["seconds"], measured["peak_kib"] / 1024, done.stdout)


def run_python(*arguments: str | Path) -> Run:
    """``run_child`` with this interpreter."""
    return run_child([sys.executable, *arguments])


def own_environment() -> dict[str, str]:
    """This process's environment, in which this checkout's packages are found."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _main() -> int:
    report, *command = sys.argv[1:]
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    measured = {"seconds": time.perf_counter() - start, "peak_kib": usage.ru_maxrss}
    Path(report).write_text(json.dumps(measured))
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(_main())
