"""``hnseg openkbp``: OpenKBP's files to cases that ``hnseg train`` reads."""

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from random import Random
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
    parser.add_argument(
        "--test", type=Path, metavar="DIR", help="gets the patients that are kept aside for the final test"
    )
    parser.add_argument(
        "--test-cases", type=int, default=38, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=5, help="chooses them (default: %(default)s)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Convert every patient and say which cannot be used; raises InputError when none can."""
    from hnseg_train.openkbp.convert import write_case

    names = sorted(path.name.removesuffix(CT_SUFFIX) for path in arguments.folder.glob(f"*{CT_SUFFIX}"))
    if not names:
        raise InputError(f"No patient was found in {arguments.folder}; expected NAME{CT_SUFFIX}.")
    aside = kept_aside(names, arguments.test_cases, arguments.seed) if arguments.test else frozenset()
    contoured: dict[Path, list[tuple[str, ...]]] = {}
    left_out: list[str] = []
    for name in names:
        ct, labels = (arguments.folder / f"{name}{suffix}" for suffix in (CT_SUFFIX, LABEL_SUFFIX))
        folder = arguments.test if name in aside else arguments.out
        try:
            organs = write_case(ct, labels, folder / name)
        except InputError as error:
            left_out.append(str(error))
        else:
            contoured.setdefault(folder, []).append(organs)
    if not contoured:
        raise InputError(f"No patient in {arguments.folder} can be used: {left_out[0]}")
    for reason in left_out:
        print(f"Left out: {reason}")
    for folder, cases in contoured.items():
        print(f"Wrote {len(cases)} patients to {folder}. Contoured in so many:")
        for organ, count in Counter(chain.from_iterable(cases)).items():
            print(f"  {organ} {count}")


def kept_aside(names: Sequence[str], count: int, seed: int) -> frozenset[str]:
    """The patients kept aside; raises InputError when none would be left to train on."""
    if not 0 < count < len(names):
        raise InputError(
            f"{count} of {len(names)} patients cannot be kept aside; accepted are 1 to {len(names) - 1}."
        )
    return frozenset(Random(seed).sample(sorted(names), count))
