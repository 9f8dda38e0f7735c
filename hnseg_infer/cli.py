"""The ``hnseg`` command; the training side adds its subcommands through entry points ``hnseg.commands``."""

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from hnseg_infer import __version__
from hnseg_infer.commands import bundles, preview, segment
from hnseg_infer.errors import exit_code


def build_parser() -> argparse.ArgumentParser:
    """The parser with every installed subcommand; each sets ``run``, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="hnseg", description="Head-and-neck organs at risk from a planning CT."
    )
    parser.add_argument("--version", action="version", version=f"hnseg {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    segment.add_parser(subparsers)
    preview.add_parser(subparsers)
    bundles.add_parser(subparsers)
    for entry in sorted(entry_points(group="hnseg.commands"), key=lambda item: item.name):
        entry.load()(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns 0, 1 after one sentence about what was wrong, or 130 after Ctrl-C."""
    parsed = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = parsed.run
    return exit_code(lambda: run(parsed), "hnseg: ")
