"""The container in Grand Challenge's sandbox, as the tests and the timing both run it."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import perf_counter

DOCKER = os.environ.get("DOCKER", "docker")

IMAGE = "hnseg"
"""Runs one case."""

INVOKE_IMAGE = "hnseg-invoke"
"""Waits for cases."""

LIMIT = 120
"""Seconds that StructSeg 2019 granted a case, from the start of the container to its exit."""

FLAGS = (
    "--network none --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 256 "
    f"--shm-size 128m --memory 8g --tmpfs /tmp --cpus {min(2, os.cpu_count() or 1)}"
)

LOOK_SECONDS = 0.1
"""Between two looks at a running container's memory."""


@dataclass(frozen=True)
class SandboxedRun:
    """A finished container. seconds: from its start to its exit.

    peak_mib: largest resident memory of its one process, libraries and weights that it mapped included but
    not the files that the kernel keeps in memory for it, which ``docker stats`` would count. None when the
    engine's processes cannot be seen from here.
    """

    result: subprocess.CompletedProcess[str]
    seconds: float
    peak_mib: float | None


def run_sandboxed(
    source: Path, output: Path, *more: str, timeout: float = 10 * LIMIT
) -> subprocess.CompletedProcess[str]:
    """One case from ``source`` (read-only) to ``output``; ``more`` are flags of docker run.

    Raises subprocess.TimeoutExpired, with the container stopped, after ``timeout`` seconds: by default
    long enough for a busy machine, and there only so that nothing hangs.
    """
    mounts = ["--volume", f"{source}:/input:ro", "--volume", f"{output}:/output"]
    command = [DOCKER, "run", "--rm", "--name", _name(), *FLAGS.split(), *mounts, *more, IMAGE]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        # ending the client does not end the container
        subprocess.run([DOCKER, "kill", _name()], capture_output=True, check=False)
        raise


def measure_sandboxed(source: Path, output: Path, *more: str) -> SandboxedRun:
    """``run_sandboxed`` with the time it took and the memory it needed."""
    ended = Event()
    with ThreadPoolExecutor(1) as pool:
        peak = pool.submit(_watch_memory, ended)
        start = perf_counter()
        try:
            result = run_sandboxed(source, output, *more)
            seconds = perf_counter() - start
        finally:
            ended.set()
    return SandboxedRun(result, seconds, peak.result())


def open_folder(folder: Path) -> Path:
    """The folder, made so that any user may write to it, as the platform provides it."""
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    return folder


def _name() -> str:
    return f"hnseg-{os.getpid()}"


def _watch_memory(ended: Event) -> float | None:
    """The largest peak that the kernel noted for the container's process (VmHWM), until ``ended``."""
    process: Path | None = None
    peak = 0.0
    while not ended.wait(LOOK_SECONDS):
        process = process or _process()
        peak = max(peak, _peak_mib(process) if process else 0.0)
    return peak or None


def _process() -> Path | None:
    """The kernel's folder about the container's process; None while it has not started."""
    command = [DOCKER, "inspect", "--format", "{{.State.Pid}}", _name()]
    pid = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return Path("/proc") / pid if pid not in ("", "0") else None


def _peak_mib(process: Path) -> float:
    """0 when it is gone or not yet the container's own program, or its number means another one here."""
    try:
        own = b"process.py" in (process / "cmdline").read_bytes()
        lines = (process / "status").read_text().splitlines() if own else []
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
