"""``hnseg combine``: several trainings on the same cases to one bundle, with the tables that decided it."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add ``hnseg combine``."""
    parser = subparsers.add_parser(
        "combine",
        help="make one bundle of several trainings: each organ from the model that was best on unseen cases",
    )
    parser.add_argument(
        "works",
        type=Path,
        nargs="+",
        metavar="WORK",
        help="work folders of hnseg train on the same cases",
    )
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="gets the bundle")
    parser.add_argument("--tables", type=Path, required=True, metavar="DIR", help="gets the comparison")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Compare, choose, write; raises InputError where the trainings do not belong together."""
    from hnseg_train.combine.bundle import write_bundle
    from hnseg_train.combine.trainings import compare_trainings, read_training
    from hnseg_train.evaluation.comparison_files import write_comparison

    trainings = [read_training(work) for work in arguments.works]
    scores, comparison = compare_trainings(trainings)
    write_comparison(scores, comparison, arguments.tables)
    write_bundle(trainings, comparison, arguments.bundle)
    models = sorted(set(comparison.provider.values()))
    print(f"Wrote {arguments.bundle} with {', '.join(models)}, and {arguments.tables / 'comparison.md'}")
