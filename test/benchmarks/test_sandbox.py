"""Memory of a container's process, on a process that stands in for it."""

import subprocess
import sys
from pathlib import Path

import pytest
import sandbox

HOLD = "block = b'x' * (200 * 2**20); print('held', flush=True); del block; input()"


class ThreeLooks:
    """An event that is set after three looks."""

    def __init__(self) -> None:
        self.left = 3

    def wait(self, _seconds: float) -> bool:
        self.left -= 1
        return self.left < 0


def watch(monkeypatch, *arguments: str) -> float | None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, *arguments], stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        folders = iter([None, Path(f"/proc/{process.pid}")])
        monkeypatch.setattr(sandbox, "_process", lambda: next(folders))
        peak = sandbox._watch_memory(ThreeLooks())
        process.communicate("\n")
    return peak


def test_the_peak_is_seen_after_it_has_passed(monkeypatch):
    assert watch(monkeypatch, "process.py") == pytest.approx(210, abs=15)


def test_another_process_of_that_number_does_not_count(monkeypatch):
    assert watch(monkeypatch) is None


def test_a_process_that_is_gone_or_elsewhere_is_not_seen(monkeypatch):
    monkeypatch.setattr(sandbox, "_process", lambda: Path("/proc/none-such"))
    assert sandbox._watch_memory(ThreeLooks()) is None
