"""What the benchmarks are tried on: a tiny bundle, a coarse head, and scripts run as their users do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import make_bundle
from synthetic_head import head_ct

from hnseg_infer.formats import write

ROOT = Path(__file__).parents[2]

Script = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random networks of a few thousand weights."""
    return make_bundle(tmp_path_factory.mktemp("benchmarks") / "tiny")


@pytest.fixture(scope="session")
def coarse_ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT file of 30 x 56 x 48 voxels."""
    path = tmp_path_factory.mktemp("ct") / "head.mha"
    write(head_ct(), path)
    return path


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs ``benchmarks/NAME.py`` with arguments: exit code, its JSON file, its page."""

    def run(name: str, *arguments: str | Path) -> tuple[int, dict[str, Any], str]:
        command = [sys.executable, f"benchmarks/{name}.py", *arguments, "--out", tmp_path / "out"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        files = {path.suffix: path.read_text() for path in (tmp_path / "out").iterdir()}
        assert files.keys() == {".json", ".md"}
        # a result is published: it names no folder of the machine
        assert not any(str(tmp_path) in text or str(ROOT) in text for text in files.values())
        assert files[".md"] in done.stdout
        return done.returncode, json.loads(files[".json"]), files[".md"]

    return run
