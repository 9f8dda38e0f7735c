"""The port that is open before anything else is imported."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from socket import create_connection

import pytest

from hnseg_infer.early_port import early_port, open_port

ROOT = Path(__file__).parents[1]


def test_serve_alone_opens_the_port_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_PORT", "0")
    port = early_port(["serve"])
    assert port is not None
    with port, create_connection(("127.0.0.1", port.getsockname()[1])):
        # taken before anybody accepts it
        pass


@pytest.mark.parametrize("arguments", [[], ["serve", "--port", "0"], ["--device", "cpu", "serve"]])
def test_other_arguments_are_left_to_who_reads_them_all(arguments: Sequence[str]) -> None:
    assert early_port(arguments) is None


@pytest.mark.parametrize("setting", ["http", "65536", "-1"])
def test_what_is_no_port_is_said_later(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("HNSEG_PORT", setting)
    assert early_port(["serve"]) is None


def test_a_port_in_use_is_said_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_port("0.0.0.0", 0) as port:
        monkeypatch.setenv("HNSEG_PORT", str(port.getsockname()[1]))
        assert early_port(["serve"]) is None


def test_nothing_that_takes_long_to_import_comes_before_it() -> None:
    program = (
        "import sys; from hnseg_infer.early_port import open_port; "
        "open_port('127.0.0.1', 0); print(*sys.modules)"
    )
    # -S: without what this environment imports at every start
    command = [sys.executable, "-S", "-c", program]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    slow = {"argparse", "dataclasses", "pathlib", "http.server", "traceback", "numpy"}
    assert not slow & set(said.stdout.split())
