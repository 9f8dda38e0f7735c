"""Fixtures for all tests: the shared data folder, a small head-like CT, a small bundle."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.volume import Geometry, Volume

AIR, FAT, MUSCLE, BRAIN, BONE = -1000, -100, 50, 35, 1000


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder ``data`` of real CTs, which is not part of the repository; skips where it is absent."""
    root = Path(os.environ.get("HNSEG_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (root / "data").is_dir():
        pytest.skip("no shared data: set HNSEG_SHARED to the folder that holds data/")
    return root / "data"


@pytest.fixture
def locked_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which no file can be made, by root either."""
    if os.geteuid() == 0:
        yield Path("/proc")
        return
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@pytest.fixture(scope="session")
def small_head() -> Volume:
    """A ball of brain in a skull on a neck with a spine: int16 HU, 40 x 72 x 64 voxels of 3 x 4 x 4 mm.

    Canonical. A bony nose points anterior and the only ear is on the left, so turns and flips show.
    """
    shape, spacing = (40, 72, 64), (4.0, 4.0, 3.0)
    z, y, x = np.meshgrid(
        np.arange(40) * 3.0 - 75.0, np.arange(72) * 4.0 - 142.0, np.arange(64) * 4.0 - 126.0, indexing="ij"
    )
    hu = np.full(shape, AIR, dtype=np.int16)
    radius = np.sqrt(x**2 + y**2 + z**2)
    hu[(np.hypot(x, y - 20) < 50) & (z < -20)] = MUSCLE
    hu[radius < 92] = FAT
    hu[radius < 86] = BONE
    hu[radius < 74] = BRAIN
    hu[(np.hypot(x, y - 40) < 14) & (z < -60)] = BONE
    hu[(np.hypot(x, z) < 12) & (y < -80) & (y > -110)] = BONE
    hu[(np.hypot(y, z) < 12) & (x > 80) & (x < 104)] = MUSCLE
    noise = np.random.default_rng(0).normal(0, 8, shape)
    hu = np.clip(hu + noise, -1024, 3071).astype(np.int16)
    return Volume(hu, Geometry(shape, spacing, (-126.0, -142.0, -75.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)))


@pytest.fixture
def head_ct(small_head: Volume) -> Volume:
    """The small head as a copy that a test may change."""
    return Volume(small_head.array.copy(), small_head.geometry)


@pytest.fixture(scope="session")
def pristine_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle of random networks; not to be changed."""
    # torch is imported where it is needed: it takes seconds
    from bundle_factory import make_bundle

    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def bundle_copy(pristine_bundle: Path, tmp_path: Path) -> Path:
    """The same as a copy that a test may change."""
    return Path(shutil.copytree(pristine_bundle, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of ``whole_road.CASES`` tiny patients; not to be changed."""
    from tiny_cohort import write_cohort
    from whole_road import CASES

    return write_cohort(tmp_path_factory.mktemp("cohort"), cases=CASES)


@pytest.fixture(scope="session")
def finished_road(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The work folder of a training on ``tiny_cohort`` and the lines that it printed; not to be changed."""
    from whole_road import train

    work = tmp_path_factory.mktemp("whole")
    status, lines = train(tiny_cohort, work)
    assert status == 0
    return work, lines
