"""How many CPUs this process was granted, and keeping numerical libraries to that number of threads.

A container sees all CPUs of its host, but is held to a quota by its control group; threads beyond
the quota are stopped for part of every period while the others wait for them.
"""

import os
import sys
from pathlib import Path

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
"""Environment variables by which numpy, scipy, torch and ITK size their thread pools on import."""


CONTROL_GROUP = Path("/sys/fs/cgroup")


def granted_cpus(control_group: Path = CONTROL_GROUP) -> int:
    """Whole CPUs that this process may use, at least 1: its affinity, lowered to the cgroup's quota."""
    quota = _quota(control_group)
    return _affinity() if quota is None else max(1, min(_affinity(), int(quota)))


def shares_cpus(control_group: Path = CONTROL_GROUP) -> bool:
    """Whether a quota grants less than the CPUs that this process may run on.

    Its threads must then not be tied to CPUs: those of every container of the host would be tied to the same
    first ones, while others idle.
    """
    quota = _quota(control_group)
    return quota is not None and quota < _affinity()


def limit_threads() -> None:
    """Hold libraries that are imported later to the granted CPUs; what the user set stays as it is."""
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(granted_cpus()))


def _affinity() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _quota(control_group: Path) -> float | None:
    """CPUs' worth of time that the control group (version 2, else 1) allows; None where it sets no limit."""
    v1 = control_group / "cpu"
    try:
        if (control_group / "cpu.max").is_file():
            limit, period = (control_group / "cpu.max").read_text().split()
        else:
            limit = (v1 / "cpu.cfs_quota_us").read_text()
            period = (v1 / "cpu.cfs_period_us").read_text()
        cpus = float(limit) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        # no control group here, or "max"
        return None
    return cpus if cpus > 0 else None
