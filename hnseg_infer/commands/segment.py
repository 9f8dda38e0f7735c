"""``hnseg segment CT OUT_DIR``: one CT to a mask, a report and a table on the screen."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnseg_infer.devices import add_device_options
from hnseg_infer.errors import InputError
from hnseg_infer.files import output_folder, write_together
from hnseg_infer.progress import terminal_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from hnseg_infer.report import Prediction
    from hnseg_infer.volume import Volume

FORMATS = ("mha", "nii.gz", "nrrd")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to what ``ArgumentParser.add_subparsers`` returned."""
    parser = subparsers.add_parser("segment", help="segment a CT: writes a mask and a report")
    parser.add_argument(
        "ct", type=Path, metavar="CT", help="MetaImage, NIfTI or NRRD file, or a DICOM series folder"
    )
    parser.add_argument(
        "out_dir",
        type=Path,
        metavar="OUT_DIR",
        help="folder for what is named after the CT: mask, report (.json), picture (.png)",
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="BUNDLE",
        help="name of an installed model bundle (hnseg bundles), or the folder of any (default: default)",
    )
    add_device_options(parser)
    parser.add_argument("--format", choices=FORMATS, default="mha", help="of the mask (default: mha)")
    parser.add_argument("--preview", action="store_true", help="draw a picture, too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Segment and write mask, report and picture, named after the CT; raises HNSegError."""
    from hnseg_infer.cpus import limit_threads

    # before numerical libraries are imported
    limit_threads()
    from hnseg_infer.formats import ct_file, read_ct, stem, write
    from hnseg_infer.identity import identify
    from hnseg_infer.loaded_bundle import start_loading
    from hnseg_infer.pipeline import segment
    from hnseg_infer.report import write_results
    from hnseg_infer.summary import summary

    given, name = arguments.ct, stem(arguments.ct)
    mask, report, picture = (
        arguments.out_dir / f"{name}.{suffix}" for suffix in (arguments.format, "json", "png")
    )
    if mask.resolve() == ct_file(given).resolve():
        raise InputError(f"The mask would overwrite the CT {given}; choose another output folder.")
    _refuse_foreign(report)
    with output_folder(arguments.out_dir):
        bundle = start_loading(arguments.bundle, arguments.device, arguments.precision)
        ct = read_ct(given)
        with terminal_progress(sys.stderr) as progress:
            prediction = segment(ct, bundle=bundle, source=str(given), progress=progress)
        identity = identify(ct, Path(os.path.abspath(given)).name)
        files: dict[Path, Callable[[Path], None]] = {
            mask: lambda path: write(prediction.labels, path),
            report: lambda path: write_results(prediction, path, identity, mask.name),
        }
        if arguments.preview:
            files[picture] = lambda path: _draw(ct, prediction, path, name)
        write_together(arguments.out_dir, files)
    print(summary(prediction, report.name))
    *others, last = files
    print(f"\nWrote {', '.join(map(str, others))} and {last}.")


def _refuse_foreign(report: Path) -> None:
    """Converters of DICOM, too, leave a JSON file of the CT's name beside it."""
    from hnseg_infer.report import read_report

    if report.exists() and read_report(report) is None:
        raise InputError(
            f"{report} is no report of HNSeg's, and one would overwrite it; choose another output folder."
        )


def _draw(ct: "Volume", prediction: "Prediction", path: Path, title: str) -> None:
    from hnseg_infer.preview.picture import write_preview

    names = {organ.id: organ.name for organ in prediction.organs}
    write_preview(ct, prediction.labels, path, title=title, names=names)
