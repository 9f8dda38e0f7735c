"""export.sh with a stand-in for the docker command: what the archives hold, and what a failure leaves."""

import gzip
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "export.sh"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "2d").mkdir(parents=True)
    (folder / "bundle.json").write_text("{}")
    (folder / "2d" / "plans.json").write_text("{}")
    return folder


def export(tmp_path: Path, bundle: Path, save: str) -> subprocess.CompletedProcess[str]:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\nif [ "$1" = save ]; then {save}; fi\n')
    docker.chmod(0o755)
    environment = {**os.environ, "DOCKER": str(docker), "BUNDLE": str(bundle)}
    command = [str(SCRIPT), str(tmp_path / "out")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_weights_lie_at_the_top_of_their_archive_and_bytes_repeat(tmp_path: Path, bundle: Path) -> None:
    models = []
    for seconds in (1_000_000_000, 1_500_000_000):
        os.utime(bundle / "bundle.json", (seconds, seconds))
        assert export(tmp_path, bundle, "echo image").returncode == 0
        models.append((tmp_path / "out" / "model.tar.gz").read_bytes())
    assert models[0] == models[1]
    with tarfile.open(tmp_path / "out" / "model.tar.gz") as archive:
        assert archive.getnames() == [".", "./2d", "./2d/plans.json", "./bundle.json"]
        assert {member.uid for member in archive} == {0}
    assert gzip.decompress((tmp_path / "out" / "hnseg.tar.gz").read_bytes()) == b"image\n"


def test_a_broken_off_image_leaves_no_file(tmp_path: Path, bundle: Path) -> None:
    assert export(tmp_path, bundle, "echo half; exit 1").returncode != 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.tar.gz"]


def test_without_weights_it_says_so(tmp_path: Path, bundle: Path) -> None:
    (bundle / "bundle.json").unlink()
    result = export(tmp_path, bundle, "echo image")
    assert result.returncode == 1
    assert "holds no bundle.json" in result.stderr
