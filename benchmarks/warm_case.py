"""One process that loads a bundle once and segments one CT again and again: what ``case_time.py`` starts.

    python benchmarks/warm_case.py --bundle DIR --ct CT [--runs 3] [--device auto]

Prints one JSON object: device, seconds to load, and per run all seconds and those of each stage.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from hnseg_infer.cpus import limit_threads


def main() -> int:
    """Load, segment, print."""
    parser = argparse.ArgumentParser(description="Segment one CT several times in one process.")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--ct", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    limit_threads()
    from hnseg_infer.formats import read_ct
    from hnseg_infer.loaded_bundle import load
    from hnseg_infer.pipeline import segment

    start = time.perf_counter()
    loaded = load(arguments.bundle, arguments.device)
    load_seconds = time.perf_counter() - start
    ct = read_ct(arguments.ct)
    seconds, stages = [], []
    for _ in range(arguments.runs):
        start = time.perf_counter()
        prediction = segment(ct, bundle=loaded)
        seconds.append(time.perf_counter() - start)
        stages.append(prediction.seconds)
    answer = {
        "device": loaded.device,
        "load_seconds": load_seconds,
        "seconds": seconds,
        "stages": stages,
        "gpu_peak_mib": gpu_peak_mib(),
    }
    print(json.dumps(answer))
    return 0


def gpu_peak_mib() -> float | None:
    """The most GPU memory that torch has reserved so far, without CUDA's own; None where no GPU was used."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return float(torch.cuda.max_memory_reserved()) / 2**20


if __name__ == "__main__":
    sys.exit(main())
