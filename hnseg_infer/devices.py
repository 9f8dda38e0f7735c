"""The devices and precisions that a caller may ask for, and their command line options."""

import argparse
from typing import Literal, get_args

Precision = Literal["auto", "f32", "bf16", "f16"]

DEVICES = ("auto", "cuda", "cpu")

PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--device`` and ``--precision``."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto: a CUDA GPU, else the CPU")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="of the networks; auto: the fastest that the device has hardware for",
    )
