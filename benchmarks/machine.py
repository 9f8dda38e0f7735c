"""What a benchmark ran on: every result in ``results/`` carries it."""

import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

from hnseg_infer.cpus import granted_cpus


def describe_machine() -> dict[str, str | int | float]:
    """Processor, cores granted to this process, memory and the versions that decide speed and rounding."""
    import torch

    cpu = _cpu_fields()
    flags = cpu.get("flags", "").split()
    machine: dict[str, str | int | float] = {
        "cpu": cpu.get("model name", platform.processor() or platform.machine()),
        "cores": granted_cpus(),
        "vector_units": " ".join(
            flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags
        ),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    machine |= {name: version(name) for name in ("torch", "openvino", "numpy")}
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return machine


def command_line() -> str:
    """The command that started this process; of absolute paths only the last part."""
    words = [Path(word).name if os.path.isabs(word) else word for word in sys.argv[1:]]
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *words])


def _cpu_fields() -> dict[str, str]:
    """The first processor's entries of /proc/cpuinfo; empty where there is no such file."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
