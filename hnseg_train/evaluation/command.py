"""``hnseg evaluate PRED REF``: DSC, HD95, NSD and volume error per organ, of a case or a folder of cases."""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from hnseg_infer.errors import InputError
from hnseg_infer.files import output_folder


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to what ``ArgumentParser.add_subparsers`` returned."""
    parser = subparsers.add_parser(
        "evaluate", help="score masks against reference masks: DSC, HD95, NSD, volume error"
    )
    parser.add_argument(
        "prediction",
        type=Path,
        metavar="PRED",
        help="mask to score (MetaImage, NIfTI or NRRD), or a folder of masks: <case>.nii.gz",
    )
    parser.add_argument(
        "reference",
        type=Path,
        metavar="REF",
        help="reference mask on the same grid, or a folder: <case>.nii.gz or <case>/label.nii.gz",
    )
    parser.add_argument(
        "--organs",
        type=Path,
        metavar="FILE",
        help="report of a mask, or bundle.json, that names the label values; the reference's others are left "
        "out (default: the report beside each mask, else the StructSeg 2019 table)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write CSV files, a Markdown page and box plots here"
    )
    parser.add_argument(
        "--ct",
        type=Path,
        metavar="CT",
        help="CT, or a folder: <case>.nii.gz or <case>/data.nii.gz; adds pictures of the worst cases",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Score the masks, then print a table or write the files. Raises InputError for unusable masks."""
    from hnseg_infer.organ_names import read_names
    from hnseg_train.evaluation.cases import pair_masks
    from hnseg_train.evaluation.evaluation_files import cohort_page, write_evaluation
    from hnseg_train.evaluation.offered import not_offered_line, score_pair
    from hnseg_train.evaluation.table import case_table
    from hnseg_train.evaluation.worst_pictures import draw_worst

    out: Path | None = arguments.out
    if out is None and arguments.ct is not None:
        raise InputError("--ct adds pictures to the files that --out writes; give --out DIR with it.")
    organs = read_names(arguments.organs) if arguments.organs else None
    pairs = pair_masks(arguments.prediction, arguments.reference, arguments.ct)
    with output_folder(out) if out is not None else nullcontext():
        scored = {pair.name: score_pair(pair, organs, only_named=out is not None) for pair in pairs}
        cases = {name: pair.scores for name, pair in scored.items()}
        left_out = not_offered_line(scored.values())
        if out is not None:
            write_evaluation(cases, draw_worst(pairs, cases), out, left_out)
            said = f"Wrote {out / 'evaluation.md'}, its box plots, cases.csv and organs.csv."
            print("\n".join((*left_out, said)))
        elif arguments.prediction.is_dir():
            print("\n".join(cohort_page(cases, left_out)))
        else:
            print(case_table(cases[pairs[0].name], left_out))
