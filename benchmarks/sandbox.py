"""The container in Grand Challenge's sandbox, as the tests and the timing both run it."""

import os
import subprocess
from pathlib import Path

DOCKER = os.environ.get("DOCKER", "docker")

IMAGE = "hnseg"

LIMIT = 120
"""Seconds that StructSeg 2019 granted a case, from the start of the container to its exit."""

FLAGS = (
    "--network none --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 256 "
    f"--shm-size 128m --memory 8g --tmpfs /tmp --cpus {min(2, os.cpu_count() or 1)}"
)


def run_sandboxed(
    source: Path, output: Path, *more: str, timeout: float = 10 * LIMIT
) -> subprocess.CompletedProcess[str]:
    """One case from ``source`` (read-only) to ``output``; ``more`` are flags of docker run.

    Raises subprocess.TimeoutExpired, with the container stopped, after ``timeout`` seconds: by default
    long enough for a busy machine, and there only so that nothing hangs.
    """
    name = f"hnseg-{os.getpid()}"
    mounts = ["--volume", f"{source}:/input:ro", "--volume", f"{output}:/output"]
    command = [DOCKER, "run", "--rm", "--name", name, *FLAGS.split(), *mounts, *more, IMAGE]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        # ending the client does not end the container
        subprocess.run([DOCKER, "kill", name], capture_output=True, check=False)
        raise


def open_folder(folder: Path) -> Path:
    """The folder, made so that any user may write to it, as the platform provides it."""
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    return folder
