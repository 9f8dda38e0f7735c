"""``hnseg openkbp``: OpenKBP's files to cases that ``hnseg train`` reads."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from hnseg_infer.errors import InputError

CT_SUFFIX, LABEL_SUFFIX = "_ct.nii.gz", "_lab.nii.gz"


def add_parser(subparsers: Any) -> None:
    """Add the ``openkbp`` subcommand."""
    parser = subparsers.add_parser(
        "openkbp", help="turn OpenKBP's CTs and contours into cases for training (<case>/data.nii.gz ...)"
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help=f"holds NAME{CT_SUFFIX} and NAME{LABEL_SUFFIX}"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets one folder a patient")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Convert every patient and say which cannot be used; raises InputError when none can."""
    from hnseg_train.openkbp.convert import write_case

    names = sorted(path.name.removesuffix(CT_SUFFIX) for path in arguments.folder.glob(f"*{CT_SUFFIX}"))
    if not names:
        raise InputError(f"No patient was found in {arguments.folder}; expected NAME{CT_SUFFIX}.")
    contoured: Counter[str] = Counter()
    left_out: list[str] = []
    for name in names:
        ct, labels = (arguments.folder / f"{name}{suffix}" for suffix in (CT_SUFFIX, LABEL_SUFFIX))
        try:
            contoured.update(write_case(ct, labels, arguments.out / name))
        except InputError as error:
            left_out.append(str(error))
    if len(left_out) == len(names):
        raise InputError(f"No patient in {arguments.folder} can be used: {left_out[0]}")
    for reason in left_out:
        print(f"Left out: {reason}")
    print(f"Wrote {len(names) - len(left_out)} patients to {arguments.out}. Contoured in so many:")
    for organ, count in contoured.items():
        print(f"  {organ} {count}")
