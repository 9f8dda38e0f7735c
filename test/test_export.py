"""build.sh and export.sh with a stand-in for the docker command: what they ask of it, what archives hold."""

import gzip
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from hnseg_infer import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "2d").mkdir(parents=True)
    (folder / "bundle.json").write_text("{}")
    (folder / "2d" / "plans.json").write_text("{}")
    return folder


def run(tmp_path: Path, script: str, *arguments: str, save: str = "true") -> subprocess.CompletedProcess[str]:
    """The script with a docker that notes its arguments; save: the shell command that stands for its own."""
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path / "calls"}\nif [ "$1" = save ]; then {save}; fi\n')
    docker.chmod(0o755)
    environment = {**os.environ, "DOCKER": str(docker), "BUNDLE": str(tmp_path / "bundle")}
    for name in ("BASE_IMAGE", "BUILD_IMAGE"):
        environment.pop(name, None)
    command = [str(ROOT / script), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def export(tmp_path: Path, *options: str, save: str = "echo image") -> subprocess.CompletedProcess[str]:
    return run(tmp_path, "export.sh", str(tmp_path / "out"), *options, save=save)


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


@pytest.mark.usefixtures("bundle")
@pytest.mark.parametrize(
    ("options", "method", "image"),
    [((), "exec", "hnseg"), (("--method", "invoke"), "invoke", "hnseg-invoke")],
)
def test_the_image_is_built_before_it_is_exported(
    tmp_path: Path, options: tuple[str, ...], method: str, image: str
) -> None:
    assert export(tmp_path, *options, "--no-cache").returncode == 0
    version = f"--build-arg VERSION={__version__}"
    assert calls(tmp_path) == [
        f"build --platform=linux/amd64 --target {method} --tag {image} {version} --no-cache .",
        f"save {image}",
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{image}.tar.gz", "model.tar.gz"]
    assert gzip.decompress((tmp_path / "out" / f"{image}.tar.gz").read_bytes()) == b"image\n"


def test_slugs_become_build_arguments(tmp_path: Path) -> None:
    assert run(tmp_path, "build.sh", "--slug", "organs", "--input-slug", "planning-ct").returncode == 0
    (call,) = calls(tmp_path)
    assert call.endswith("--build-arg OUTPUT_SLUG=organs --build-arg INPUT_SLUG=planning-ct .")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--method", "server"), '--method takes exec or invoke, not "server".'),
        (("--slug", "../organs"), '--slug takes letters, digits, hyphens and underscores, not "../organs".'),
        (("--input-slug",), '--input-slug takes letters, digits, hyphens and underscores, not "".'),
    ],
)
def test_what_the_platform_would_not_take_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], reason: str
) -> None:
    result = run(tmp_path, "build.sh", *arguments)
    assert (result.returncode, result.stderr) == (1, f"{reason}\n")
    assert not (tmp_path / "calls").exists()


def test_weights_lie_at_the_top_of_their_archive_and_bytes_repeat(tmp_path: Path, bundle: Path) -> None:
    models = []
    for seconds in (1_000_000_000, 1_500_000_000):
        os.utime(bundle / "bundle.json", (seconds, seconds))
        assert export(tmp_path).returncode == 0
        models.append((tmp_path / "out" / "model.tar.gz").read_bytes())
    assert models[0] == models[1]
    with tarfile.open(tmp_path / "out" / "model.tar.gz") as archive:
        assert archive.getnames() == [".", "./2d", "./2d/plans.json", "./bundle.json"]
        assert {member.uid for member in archive} == {0}


@pytest.mark.usefixtures("bundle")
def test_a_broken_off_image_leaves_no_file(tmp_path: Path) -> None:
    assert export(tmp_path, save="echo half; exit 1").returncode != 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.tar.gz"]


def test_without_weights_it_says_so(tmp_path: Path, bundle: Path) -> None:
    (bundle / "bundle.json").unlink()
    result = export(tmp_path)
    assert result.returncode == 1
    assert "holds no bundle.json" in result.stderr
