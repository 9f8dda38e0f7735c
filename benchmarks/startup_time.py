"""What a process costs before its first case: imports, ``--help``, loading. Part of ``case_time.py``.

Every figure is that of fresh processes, start to exit; the files that they read are in the page cache.
"""

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

LOAD = f"""{IMPORTS}
from pathlib import Path
from hnseg_infer.loaded_bundle import load
load(Path(sys.argv[2]), sys.argv[1])
"""

PYTHON, HELP, IMPORTED, LOADED = "python", "process.py --help", "imports", "imports and loading the bundle"


def startup_seconds(bundle: Path, device: str, runs: int) -> dict[str, list[float]]:
    """Seconds of each run by what was run."""
    seconds: dict[str, list[float]] = {name: [] for name in (PYTHON, HELP, IMPORTED, LOADED)}
    run_python(ROOT / "process.py", "--help")  # so that the first run finds its files in the page cache too
    for _ in range(runs):
        seconds[PYTHON].append(run_python("-c", "pass").seconds)
        seconds[HELP].append(run_python(ROOT / "process.py", "--help").seconds)
        seconds[IMPORTED].append(run_python("-c", IMPORTS, device).seconds)
        seconds[LOADED].append(run_python("-c", LOAD, device, bundle).seconds)
    return seconds
