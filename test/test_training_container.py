"""The training image in a sandbox: no network, nothing but /work writable, a plain user.

``./test.sh`` says by HNSEG_CONTAINER_TESTS that a Docker engine answers and what the image can be built from.
"""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from labelled_head import labelled_head
from sandbox import DOCKER, FLAGS, open_folder

from hnseg_infer.bundle import load_bundle
from hnseg_infer.formats import write
from hnseg_infer.volume import Geometry, Volume

pytestmark = [pytest.mark.container, pytest.mark.slow]

ROOT = Path(__file__).parents[1]

USER = 1000
"""The image's own user."""

KEPT = slice(8, 44)
"""The slices with organs of the head; more only take time."""

LIMIT = 1200
"""Seconds, so that nothing hangs."""


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """Builds the image that every test here runs."""
    if os.environ.get("HNSEG_CONTAINER_TESTS") != "yes":
        pytest.skip("no Docker engine answers; ./test.sh --container starts one")
    subprocess.run([ROOT / "training" / "build.sh", "--network", "host"], check=True)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four patients one folder deeper, as StructSeg comes: one head, moved by whole voxels."""
    folder = tmp_path_factory.mktemp("cohort")
    ct, labels = (Volume(whole.array[KEPT], _geometry(whole)) for whole in labelled_head())
    for number in range(4):
        case = folder / "HaN_OAR" / str(number + 1)
        case.mkdir(parents=True)
        for volume, name in ((ct, "data.nii.gz"), (labels, "label.nii.gz")):
            write(Volume(np.roll(volume.array, number - 1, axis=2), volume.geometry), case / name)
    folder.chmod(0o755)
    return folder


def _geometry(whole: Volume) -> Geometry:
    shape = (KEPT.stop - KEPT.start, *whole.geometry.shape[1:])
    return replace(whole.geometry, shape=shape)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return open_folder(tmp_path_factory.mktemp("training") / "work")


def train(cohort: Path, work: Path, *options: str) -> subprocess.CompletedProcess[str]:
    name = f"hnseg-train-{os.getpid()}"
    mounts = ["--volume", f"{cohort}:/input:ro", "--volume", f"{work}:/work"]
    command = [DOCKER, "run", "--rm", "--name", name, *FLAGS.split(), *mounts, "hnseg-train", *options]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        # ending the client does not end the container
        subprocess.run([DOCKER, "kill", name], capture_output=True, check=False)
        raise


def test_from_labelled_cts_to_a_bundle_and_nothing_twice(cohort: Path, work: Path) -> None:
    options = ["--plan", "check", "--folds", "2", "--trained-on", "ellipsoids"]
    first = train(cohort, work, *options)
    assert first.returncode == 0, first.stderr
    assert load_bundle(work / "bundle").trained_on == "ellipsoids"
    assert {path.stat().st_uid for path in work.rglob("*")} == {USER}

    before = {path: path.stat().st_mtime_ns for path in (work / "bundle").rglob("*")}
    again = train(cohort, work, *options)
    assert again.returncode == 0, again.stderr
    stages = re.findall(r"^([\w-]+): \d+ of \d+ made, done$", first.stdout, re.MULTILINE)
    assert {"data-check", "export", "verify"} <= set(stages)
    assert again.stdout.splitlines() == [f"{stage}: unchanged, done" for stage in stages]
    assert {path: path.stat().st_mtime_ns for path in (work / "bundle").rglob("*")} == before


def test_a_work_folder_that_is_not_mounted_is_refused(cohort: Path) -> None:
    mounts = ["--volume", f"{cohort}:/input:ro"]
    command = [DOCKER, "run", "--rm", *FLAGS.split(), *mounts, "hnseg-train", "--plan", "check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert result.returncode == 1
    # engines put warnings of their own before it on some machines
    assert result.stderr.splitlines()[-1].startswith(
        f"hnseg-train: User {USER} may not write to /work; mount"
    )
    assert "Traceback" not in result.stderr
