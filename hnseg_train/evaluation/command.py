"""``hnseg evaluate PRED REF``: DSC, HD95, NSD and volume error per organ, of a case or a folder of cases."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnseg_infer.errors import InputError

if TYPE_CHECKING:
    from hnseg_train.evaluation.cases import MaskPair
    from hnseg_train.evaluation.metrics import OrganScore


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
        help="results.json or bundle.json that names the label values (default: the StructSeg 2019 table)",
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
    from hnseg_infer.organ_names import STRUCTSEG_NAMES, read_names
    from hnseg_train.evaluation.cases import pair_masks
    from hnseg_train.evaluation.evaluation_files import cohort_page, write_evaluation
    from hnseg_train.evaluation.table import case_table
    from hnseg_train.evaluation.worst_pictures import draw_worst

    out: Path | None = arguments.out
    if out is None and arguments.ct is not None:
        raise InputError("--ct adds pictures to the files that --out writes; give --out DIR with it.")
    if out is not None and out.exists() and not out.is_dir():
        raise InputError(f"The output {out} is a file; accepted is a folder, which is made where missing.")
    organs = read_names(arguments.organs) if arguments.organs else STRUCTSEG_NAMES
    pairs = pair_masks(arguments.prediction, arguments.reference, arguments.ct)
    cases = {pair.name: _scores(pair, organs, only_named=out is not None) for pair in pairs}
    if out is not None:
        write_evaluation(cases, draw_worst(pairs, cases), out)
        print(f"Wrote {out / 'evaluation.md'}, its box plots, cases.csv and organs.csv.")
    elif arguments.prediction.is_dir():
        print("\n".join(cohort_page(cases)))
    else:
        print(case_table(cases[pairs[0].name]))


def _scores(pair: "MaskPair", organs: Mapping[int, str], only_named: bool) -> list["OrganScore"]:
    """The pair's scores; a table that is kept names every label in it."""
    from hnseg_train.evaluation.cases import refuse_unnamed
    from hnseg_train.evaluation.metrics import score_case

    prediction, reference = pair.read()
    if only_named:
        for volume, source in zip((prediction, reference), pair.sources, strict=True):
            refuse_unnamed(volume, source, organs)
    return score_case(prediction, reference, organs, sources=pair.sources)
