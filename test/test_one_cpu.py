"""A process that may run on one CPU only gives the bytes of one that has all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bundle_factory import make_bundle
from synthetic_head import head_ct

from hnseg_infer.formats import write

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_one_cpu_gives_the_same_bytes(tmp_path: Path) -> None:
    source, bundle = tmp_path / "in" / "ct.mha", make_bundle(tmp_path / "bundle")
    source.parent.mkdir()
    write(head_ct(1), source)
    every = os.sched_getaffinity(0)
    masks = []
    for cpus in (every, {min(every)}):
        output = tmp_path / f"out_{len(masks)}"
        options = ["--input", source.parent, "--output", output, "--model", bundle, "--device", "cpu"]
        os.sched_setaffinity(0, cpus)
        try:
            subprocess.run([sys.executable, ROOT / "process.py", *options], check=True)
        finally:
            os.sched_setaffinity(0, every)
        masks.append((output / "images" / "head_neck_oar" / "ct.mha").read_bytes())
    assert masks[0] == masks[1]
