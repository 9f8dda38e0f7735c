"""``hnseg evaluate`` as the command line runs it, and a small grid for its masks."""

import argparse

from hnseg_infer.volume import Geometry
from hnseg_train.evaluation.command import add_parser

GRID = Geometry((12, 20, 20), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def evaluate(*arguments):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["evaluate", *map(str, arguments)])
    parsed.run(parsed)
