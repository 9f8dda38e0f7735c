"""``hnseg add-coarse``: models for CTs of low resolution, from a bundle that was trained on such."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add ``hnseg add-coarse``."""
    parser = subparsers.add_parser(
        "add-coarse", help="let a bundle take organs from another one's models in CTs of low resolution"
    )
    parser.add_argument("base", type=Path, metavar="BUNDLE", help="for all other CTs; folder or name")
    parser.add_argument("coarse", type=Path, metavar="COARSE", help="trained on coarse CTs; folder or name")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="gets the bundle")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write the bundle; raises InputError where the two do not fit."""
    from hnseg_train.combine.coarse import add_coarse

    from_mm = add_coarse(arguments.base, arguments.coarse, arguments.bundle)
    print(f"Wrote {arguments.bundle}; CTs with pixels of at least {from_mm:g} mm get models of their own.")
