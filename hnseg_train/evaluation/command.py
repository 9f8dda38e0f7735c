"""``hnseg evaluate PRED REF``: DSC and HD95 per organ of one case."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to what ``ArgumentParser.add_subparsers`` returned."""
    parser = subparsers.add_parser("evaluate", help="score a mask against a reference mask: DSC, HD95")
    parser.add_argument(
        "prediction", type=Path, metavar="PRED", help="mask to score (MetaImage, NIfTI or NRRD)"
    )
    parser.add_argument("reference", type=Path, metavar="REF", help="reference mask on the same grid")
    parser.add_argument(
        "--organs",
        type=Path,
        metavar="FILE",
        help="results.json or bundle.json that names the label values (default: the StructSeg 2019 table)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read both masks, score them, print the table. Raises InputError for unusable or unlike masks."""
    from hnseg_infer.formats import read_labels
    from hnseg_infer.organ_names import STRUCTSEG_NAMES, read_names
    from hnseg_train.evaluation.metrics import score_case
    from hnseg_train.evaluation.table import case_table

    organs = read_names(arguments.organs) if arguments.organs else STRUCTSEG_NAMES
    scores = score_case(
        read_labels(arguments.prediction),
        read_labels(arguments.reference),
        organs,
        sources=(str(arguments.prediction), str(arguments.reference)),
    )
    print(case_table(scores))
