"""Granted CPUs against control group files written by hand."""

import os
from pathlib import Path

import pytest

from hnseg_infer import cpus


@pytest.fixture(autouse=True)
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)))


@pytest.mark.parametrize(
    ("cpu_max", "granted"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("350000 100000\n", 3),
        ("50000 100000\n", 1),
        ("9900000 100000\n", 8),
        ("nonsense\n", 8),
    ],
)
def test_version_2_quota_is_rounded_down_to_at_least_one(tmp_path: Path, cpu_max: str, granted: int) -> None:
    (tmp_path / "cpu.max").write_text(cpu_max)
    assert cpus.granted_cpus(tmp_path) == granted


@pytest.mark.parametrize(("quota", "granted"), [("-1", 8), ("400000", 4), ("10000", 1)])
def test_version_1_quota(tmp_path: Path, quota: str, granted: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cpus.granted_cpus(tmp_path) == granted


def test_without_a_control_group_the_affinity_counts(tmp_path: Path) -> None:
    assert cpus.granted_cpus(tmp_path) == 8
    assert not cpus.shares_cpus(tmp_path)


@pytest.mark.parametrize(
    ("cpu_max", "shared"),
    [("max 100000", False), ("750000 100000", True), ("800000 100000", False), ("1600000 100000", False)],
)
def test_cpus_are_shared_where_the_quota_is_below_the_affinity(
    tmp_path: Path, cpu_max: str, shared: bool
) -> None:
    (tmp_path / "cpu.max").write_text(cpu_max)
    assert cpus.shares_cpus(tmp_path) == shared


def test_limit_threads_keeps_what_the_user_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in cpus.THREAD_VARIABLES:
        # set first, so that the original state comes back after the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setattr(cpus, "granted_cpus", lambda: 3)
    cpus.limit_threads()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
