"""Whether a server that runs case after case stays at its size and gives the masks of single runs.

    python benchmarks/invoke_memory.py [--cases 50] [--bundle DIR] [--ct CT ...]

Starts ``process.py serve`` and posts ``/invoke`` as the platform does, its output folder wiped in between;
several CTs take turns. Writes ``results/invoke_memory.json`` and ``.md``; exits with 1 when memory grows or a
mask differs from that of ``process.py`` in a process of its own.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from child import ROOT, own_environment, run_python
from record import Check, add_output_options, check_table, origin, origin_line, write_result
from timing_ct import Case, add_case_options, chosen_cases

from hnseg_infer.bundle import load_bundle
from hnseg_infer.installed import DEFAULT_FOLDER
from hnseg_train.evaluation.table import markdown_table

GROWTH = 0.05
"""Most that the peak of the second half of the cases may lie over that of the first."""


def main() -> int:
    """Run the cases, write the result; returns 1 when memory grows or a mask differs."""
    parser = argparse.ArgumentParser(description="Memory and masks of many cases in one server.")
    parser.add_argument("--cases", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_FOLDER, help="default: the one shipped")
    add_case_options(parser, (64, 130))
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_output_options(parser, "invoke_memory")
    arguments = parser.parse_args()
    options = ("--model", arguments.bundle.resolve(), "--device", arguments.device)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        cts = chosen_cases(arguments, scratch)
        alone = [mask_alone(ct, scratch / f"alone_{number}", options) for number, ct in enumerate(cts)]
        order = list(islice(cycle(zip(cts, alone, strict=True)), arguments.cases))
        with server(scratch, options) as running:
            cases = [running.case(number, ct, sha256) for number, (ct, sha256) in enumerate(order, start=1)]
    checks = check(cases)
    result = {
        **origin(),
        "bundle": load_bundle(arguments.bundle).name,
        "checks": [asdict(item) for item in checks],
        "cases": cases,
    }
    write_result(arguments, result, report(result))
    return 0 if all(item.passed for item in checks) else 1


def mask_alone(ct: Case, output: Path, options: Sequence[str | Path]) -> str:
    """sha256 of the mask that a process of its own writes."""
    run_python(ROOT / "process.py", "--input", ct.folder, "--output", output, *options)
    return _mask_sha256(output)


class Server:
    """A running ``process.py serve`` and the folders that it was given."""

    def __init__(self, process: subprocess.Popen[str], scratch: Path) -> None:
        self._process, self._input, self._output = process, scratch / "input", scratch / "output"
        self._port = int(self._line().rstrip(".").rpartition(":")[2])
        # waits until the models are loaded
        if self._call("GET", "/health") != 200:
            sys.exit("The models cannot be loaded.")

    def case(self, number: int, ct: Case, sha256: str) -> dict[str, Any]:
        """Run one case: its seconds, resident memory after it in MiB, whether its mask is the known one."""
        self._input.unlink(missing_ok=True)
        self._input.symlink_to(ct.folder)
        start = time.perf_counter()
        status = self._call("POST", "/invoke")
        seconds = time.perf_counter() - start
        if status != 201:
            sys.exit(f"{ct.name}: the server answered {status}.")
        # unread lines would fill the pipe
        while not self._line().startswith("Wrote"):
            pass
        memory = self._memory_mib()
        same = _mask_sha256(self._output) == sha256
        device = json.loads((self._output / "results.json").read_text())["device"]
        for path in self._output.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        print(f"case {number}, {ct.name}: {seconds:.1f} s, {memory:.0f} MiB", flush=True)
        return {"ct": ct.name, "seconds": seconds, "rss_mib": memory, "same_mask": same, "device": device}

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def _call(self, method: str, path: str) -> int:
        connection = HTTPConnection("127.0.0.1", self._port)
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        return response.status

    def _memory_mib(self) -> float:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


@contextmanager
def server(scratch: Path, options: Sequence[str | Path]) -> Iterator[Server]:
    """Start the server and wait until its models are loaded; it ends with the block."""
    (scratch / "output").mkdir()
    folders = ("--input", scratch / "input", "--output", scratch / "output")
    command: list[str | Path] = [
        sys.executable,
        ROOT / "process.py",
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        [*command, *folders, *options], env=own_environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Server(process, scratch)
        finally:
            process.terminate()


def _mask_sha256(output: Path) -> str:
    (mask,) = (output / "images").rglob("*.mha")
    return hashlib.sha256(mask.read_bytes()).hexdigest()


def check(cases: Sequence[Mapping[str, Any]]) -> list[Check]:
    """Growth of the largest resident memory from the first half of the cases to the second; masks."""
    memory = [case["rss_mib"] for case in cases]
    half = len(memory) // 2
    growth = max(memory[half:]) / max(memory[:half] or memory) - 1
    other = sum(not case["same_mask"] for case in cases)
    return [
        Check(f"growth of memory in the second half <= {GROWTH}", growth, growth <= GROWTH),
        Check("masks that differ from those of single runs: 0", other, other == 0),
    ]


def report(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of a Markdown page."""
    cases = result["cases"]
    step = max(1, len(cases) // 10)
    shown = sorted({*range(0, len(cases), step), len(cases) - 1})
    rows = [
        (str(at + 1), cases[at]["ct"], f"{cases[at]['seconds']:.1f}", f"{cases[at]['rss_mib']:.0f}")
        for at in shown
    ]
    return [
        "# Many cases in one server",
        "",
        f"`process.py serve` with the bundle `{result['bundle']}`: {len(cases)} cases in a row, "
        f"{median(case['seconds'] for case in cases):.1f} s each (median). Memory is what of the process was "
        "resident after a case.",
        "",
        *check_table([Check(**item) for item in result["checks"]]),
        "",
        *markdown_table(("case", "CT", "seconds", "MiB"), rows),
        "",
        origin_line(result, cases[-1]["device"]),
    ]


if __name__ == "__main__":
    sys.exit(main())
