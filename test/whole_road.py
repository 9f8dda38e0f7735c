"""``hnseg train`` on a tiny cohort, in a process of its own that may be made to die."""

import signal
import subprocess
import sys
from pathlib import Path

from killed_training import __file__ as killed_training

CASES = 4


def options(cohort: Path, work: Path) -> list[str]:
    """Arguments of ``hnseg train``."""
    plan = ["--plan", "check", "--folds", "2", "--device", "cpu", "--trained-on", "ellipsoids"]
    return ["--data", str(cohort), "--work", str(work), *plan]


def train(cohort: Path, work: Path, moment: str = "never") -> tuple[int, list[str]]:
    """Exit status and lines; moment: when to die, see killed_training.py."""
    command = [sys.executable, killed_training, moment, *options(cohort, work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode, done.stdout.splitlines()
