"""Labelled CTs in /input to a bundle with evidence in /work/bundle; interrupted, it goes on where it stopped.

/input holds <case>/data.nii.gz and <case>/label.nii.gz, or one folder with them, such as HaN_OAR. Unless they
are given, --data (or --cohort) is /input and --work is /work.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from hnseg_infer.errors import HNSegError, InputError
from hnseg_train.command import add_parser

LOADER_BYTES = 1 << 30
"""Shared memory that loading processes want: some 20 batches of up to 30 MB wait in it at a time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; returns 0, 1 after one sentence about what was wrong, or 130 after an interruption."""
    given = sys.argv[1:] if arguments is None else arguments
    data = [] if any(word.startswith("--cohort") for word in given) else ["--data", "/input"]
    parsed = _parser().parse_args(["train", *data, "--work", "/work", *given])
    try:
        if parsed.data:
            parsed.data = cases_folder(parsed.data)
        _check_writable(parsed.work)
        if parsed.workers is None and shutil.disk_usage("/dev/shm").total < LOADER_BYTES:
            parsed.workers = 0
            if Path("/dev/nvidiactl").exists():
                print("Little shared memory: no process but one loads samples (docker run --shm-size 2g).")
        parsed.run(parsed)
    except HNSegError as error:
        print(f"hnseg-train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hnseg-train: interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def cases_folder(data: Path) -> Path:
    """The folder that holds the cases: ``data``, or the only folder in it that does."""
    if any(data.glob("*/data.nii.gz")):
        return data
    inner = {path.parent.parent for path in data.glob("*/*/data.nii.gz")}
    return inner.pop() if len(inner) == 1 else data


def _check_writable(work: Path) -> None:
    nearest = next(path for path in (work, *work.absolute().parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        raise InputError(
            f"User {os.getuid()} may not write to {work}; mount a folder of that user there, "
            'or start with docker run --user "$(id -u):$(id -g)".'
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    add_parser(subparsers)
    train = subparsers.choices["train"]
    train.prog, train.description, train.usage = "hnseg-train", __doc__, "%(prog)s [OPTION ...]"
    return parser


if __name__ == "__main__":
    sys.exit(main())
