"""``hnseg case``: a CT in any format that is read, and its labels, as a case that ``hnseg train`` reads."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np


def add_parser(subparsers: Any) -> None:
    """Add ``hnseg case``."""
    parser = subparsers.add_parser(
        "case", help="put a CT (a DICOM folder, say) and its labels into a case folder for training"
    )
    parser.add_argument("ct", type=Path, metavar="CT", help="an image file, or a folder with a DICOM series")
    parser.add_argument("labels", type=Path, metavar="LABELS", help="organs by id, on the grid of the CT")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="becomes the case's folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check that both lie on one grid, and write data.nii.gz and label.nii.gz; raises InputError."""
    from hnseg_infer.alignment import on_one_grid
    from hnseg_infer.formats import read_ct, read_labels, write
    from hnseg_infer.volume import Volume

    given, labels = read_ct(arguments.ct), read_labels(arguments.labels)
    ct, labels = on_one_grid(given, labels, (str(arguments.ct), str(arguments.labels)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    write(ct, arguments.out / "data.nii.gz")
    # one geometry for both: formats round it each in its own way
    write(Volume(labels.array.astype(np.uint8), ct.geometry), arguments.out / "label.nii.gz")
    print(f"Wrote {arguments.out}")
