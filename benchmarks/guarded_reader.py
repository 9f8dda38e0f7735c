"""Reads CTs in a process of its own, so that a crash, a hang or a hunger for memory is found and survived.

The process is this file run as a script: it takes a path a line and answers with a line of JSON.
"""

import json
import resource
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from child import ROOT, own_environment
from mutated_samples import OUTSIDE_VALUE

MEMORY_GIB = 4
"""Addresses that a read may take beyond what the process had when it started."""

SECONDS = 10.0
"""A read of so small a file that has not ended by then does not end."""

LONGEST_SENTENCE = 500

READ, REFUSED = "read", "refused"
FAILURES = ("raw exception", "no plain sentence", "crash", "hang", "memory", "printed", "another file read")


@dataclass(frozen=True)
class Outcome:
    """READ, REFUSED or one of FAILURES; what was said; the largest resident memory so far in MiB."""

    kind: str
    detail: str
    peak_mib: float


class GuardedReader:
    """A reading process, started anew after each crash or hang. A context manager."""

    def __init__(self) -> None:
        # lives as long as this object does
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = self._start()

    def __enter__(self) -> "GuardedReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._errors.close()

    def read(self, path: Path) -> Outcome:
        """Read and check a CT as ``hnseg segment`` does, up to the networks."""
        before = self._errors.seek(0, 2)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            kind = "crash" if ready else "hang"
            status = self._end()
            self._process = self._start()
            return Outcome(kind, f"exit status {status}" if ready else f"over {SECONDS:.0f} s", 0.0)
        outcome = Outcome(**json.loads(line))
        self._errors.seek(before)
        printed = self._errors.read().decode(errors="replace")
        return Outcome("printed", printed[:200], outcome.peak_mib) if printed else outcome

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=own_environment(),
        )
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            sys.exit("The reading process did not start.")
        return process

    def _end(self) -> int:
        self._process.kill()
        return self._process.wait()


def _main() -> None:
    _hold_memory()
    answers = sys.stdout
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        kind, detail = _outcome(Path(line.rstrip("\n")))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"kind": kind, "detail": detail, "peak_mib": peak}), file=answers, flush=True)


def _hold_memory() -> None:
    """Limit the addresses, once everything that a read needs is loaded."""
    import scipy.ndimage  # noqa: F401  # loaded before the limit holds

    from hnseg_infer.checks import check_ct  # noqa: F401  # the same
    from hnseg_infer.formats._itk import simpleitk

    simpleitk().ImageFileReader()
    status = Path("/proc/self/status").read_text()
    started = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmSize:"))
    limit = started * 1024 + MEMORY_GIB * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _outcome(path: Path) -> tuple[str, str]:
    from hnseg_infer.checks import check_ct
    from hnseg_infer.errors import HNSegError, out_of_memory
    from hnseg_infer.formats import read_ct
    from hnseg_infer.volume import to_canonical

    try:
        volume = read_ct(path)
        if (volume.array == OUTSIDE_VALUE).all():
            return "another file read", ""
        check_ct(to_canonical(volume), path.name)
    except HNSegError as error:
        text = str(error)
        plain = text.isprintable() and 0 < len(text) <= LONGEST_SENTENCE and text.endswith(".")
        return (REFUSED if plain else "no plain sentence"), text[:1000]
    except Exception as error:
        # what must not come out of a reader is counted here
        kind = "memory" if out_of_memory(error) else "raw exception"
        return kind, f"{type(error).__name__}: {error}"[:1000]
    return READ, ""


if __name__ == "__main__":
    _main()
