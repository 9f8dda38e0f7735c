"""``hnseg preview CT MASK OUT.png``: one picture of a segmented CT."""

import argparse
from pathlib import Path
from typing import Any

from hnseg_infer.files import output_folder


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to what ``ArgumentParser.add_subparsers`` returned."""
    parser = subparsers.add_parser("preview", help="draw a segmented CT: planes, organ outlines, legend")
    parser.add_argument(
        "ct", type=Path, metavar="CT", help="MetaImage, NIfTI or NRRD file, or a DICOM series folder"
    )
    parser.add_argument("mask", type=Path, metavar="MASK", help="label file on the CT's grid")
    parser.add_argument("out", type=Path, metavar="OUT.png", help="picture to write")
    parser.add_argument(
        "--organs",
        type=Path,
        metavar="FILE",
        help="report of a mask, or bundle.json, that names the label values "
        "(default: the report beside the mask, else the StructSeg 2019 table)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read CT and mask, write the picture. Raises InputError for unreadable files and unlike grids."""
    from hnseg_infer.formats import read_ct, read_labels, stem
    from hnseg_infer.organ_names import STRUCTSEG_NAMES, names_beside, read_names
    from hnseg_infer.preview.picture import write_preview

    named = read_names(arguments.organs) if arguments.organs else names_beside(arguments.mask)
    with output_folder(arguments.out.parent):
        write_preview(
            read_ct(arguments.ct),
            read_labels(arguments.mask),
            arguments.out,
            title=stem(arguments.ct),
            names=STRUCTSEG_NAMES if named is None else named,
            sources=(str(arguments.ct), str(arguments.mask)),
        )
