"""The ``hnseg`` command; the training side adds its subcommands through entry points ``hnseg.commands``."""

import argparse
import os
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from hnseg_infer import __version__
from hnseg_infer.commands import bundles, preview, segment
from hnseg_infer.errors import HNSegError, exit_code


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
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:
        # a shell asks for completions, which it does only where argcomplete is installed
        import argcomplete

        argcomplete.autocomplete(parser)
    parsed = parser.parse_args(arguments)
    return exit_code(lambda: _run(parsed), "hnseg: ")


def _run(parsed: argparse.Namespace) -> None:
    """Run the subcommand; raises HNSegError where training's packages are not installed."""
    run: Callable[[argparse.Namespace], None] = parsed.run
    try:
        run(parsed)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not run.__module__.startswith("hnseg_train.") or package in ("", "hnseg_train", "hnseg_infer"):
            raise
        raise HNSegError(
            f"This needs {package}, which is not installed: pip install 'hnseg[train]' adds all of training."
        ) from error
