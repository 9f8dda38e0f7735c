"""What a process costs before its first case: imports, ``--help``, loading. Part of ``case_time.py``.

Every figure is that of fresh processes, start to exit; the files that they read are in the page cache.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from child import ROOT, run_python

IMPORTS = """
import sys
from hnseg_infer.cpus import limit_threads
limit_threads()
from hnseg_infer import ct_folder, formats, pipeline, report
from hnseg_infer.engines.engine import select_engine
select_engine(sys.argv[1])
"""

LOAD = """
import sys
from pathlib import Path
from hnseg_infer.cpus import limit_threads
limit_threads()
from hnseg_infer.pipeline import load
load(Path(sys.argv[2]), sys.argv[1])
"""

HELP = "process.py --help"
NO_CACHE, EMPTY_CACHE, FILLED_CACHE = (
    "load the bundle",
    "load, HNSEG_CACHE an empty folder",
    "load, HNSEG_CACHE filled",
)


def startup_seconds(bundle: Path, device: str, runs: int) -> dict[str, list[float]]:
    """Seconds of each run by what was run."""
    seconds: dict[str, list[float]] = {
        name: [] for name in ("python", HELP, "imports", NO_CACHE, EMPTY_CACHE, FILLED_CACHE)
    }
    run_python(ROOT / "process.py", "--help")  # so that the first run finds its files in the page cache too
    for _ in range(runs):
        seconds["python"].append(run_python("-c", "pass").seconds)
        seconds[HELP].append(run_python(ROOT / "process.py", "--help").seconds)
        seconds["imports"].append(run_python("-c", IMPORTS, device).seconds)
        seconds[NO_CACHE].append(_load(bundle, device))
        with tempfile.TemporaryDirectory() as cache:
            for name in (EMPTY_CACHE, FILLED_CACHE):
                seconds[name].append(_load(bundle, device, {"HNSEG_CACHE": cache}))
    return seconds


def _load(bundle: Path, device: str, environment: Mapping[str, str] | None = None) -> float:
    return run_python("-c", LOAD, device, bundle, environment=environment).seconds
