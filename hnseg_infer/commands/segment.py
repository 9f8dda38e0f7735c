"""``hnseg segment CT OUT_DIR``: one CT to a mask, a report and a table on the screen."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnseg_infer.devices import add_device_options
from hnseg_infer.errors import InputError
from hnseg_infer.progress import terminal_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hnseg_infer.report import Prediction, Reason

FORMATS = ("mha", "nii.gz", "nrrd")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to what ``ArgumentParser.add_subparsers`` returned."""
    parser = subparsers.add_parser("segment", help="segment a CT: writes a mask and results.json")
    parser.add_argument(
        "ct", type=Path, metavar="CT", help="MetaImage, NIfTI or NRRD file, or a DICOM series folder"
    )
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR", help="folder for the mask and results.json")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="BUNDLE",
        help="name of an installed model bundle (hnseg bundles), or the folder of any (default: default)",
    )
    add_device_options(parser)
    parser.add_argument("--format", choices=FORMATS, default="mha", help="of the mask (default: mha)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Segment and write ``OUT_DIR/<stem>.<format>`` and ``OUT_DIR/results.json``; raises HNSegError."""
    from hnseg_infer.cpus import limit_threads

    # before numerical libraries are imported
    limit_threads()
    from hnseg_infer.formats import read_ct, stem, write
    from hnseg_infer.loaded_bundle import start_loading
    from hnseg_infer.pipeline import segment
    from hnseg_infer.report import write_results

    out_dir: Path = arguments.out_dir
    if out_dir.exists() and not out_dir.is_dir():
        raise InputError(
            f"The output {out_dir} is a file; accepted is a folder, which is made where missing."
        )
    mask = out_dir / f"{stem(arguments.ct)}.{arguments.format}"
    if mask.resolve() == arguments.ct.resolve():
        raise InputError(f"The mask would overwrite the CT {arguments.ct}; choose another output folder.")
    bundle = start_loading(arguments.bundle, arguments.device, arguments.precision)
    volume = read_ct(arguments.ct)
    with terminal_progress(sys.stderr) as progress:
        prediction = segment(volume, bundle=bundle, source=str(arguments.ct), progress=progress)
    out_dir.mkdir(parents=True, exist_ok=True)
    write(prediction.labels, mask)
    write_results(prediction, out_dir / "results.json")
    print(organ_table(prediction))
    print(f"\nWrote {mask} and {out_dir / 'results.json'}.")


def review_lines(reasons: "Sequence[Reason]") -> list[str]:
    """A line per kind of reason that names its organs; the warnings among them were said already."""
    organs: dict[str, list[str]] = {}
    for reason in reasons:
        organs.setdefault(reason.code, []).extend([reason.organ] if reason.organ else [])
    lines = [f"review {code}: {', '.join(names)}" for code, names in organs.items() if names]
    if reasons:
        lines.append("Look at the mask before it is used; results.json says why.")
    return lines


def organ_table(prediction: "Prediction") -> str:
    """Per organ id, name, volume and model; then warnings, reasons for a review, what the result rests on."""
    lines = [f"{'id':>3}  {'organ':<22}{'cm3':>9}  model"]
    lines += [
        f"{organ.id:>3}  {organ.name:<22}{organ.volume_cm3:>9.2f}  {organ.provider}"
        for organ in prediction.organs
    ]
    lines += [f"warning {warning.code}: {warning.message}" for warning in prediction.warnings]
    lines += review_lines(prediction.review)
    seconds = ", ".join(f"{stage} {value:.1f}" for stage, value in prediction.seconds.items())
    lines.append(f"{prediction.device}; seconds: {seconds}")
    lines.append(f"Bundle {prediction.bundle_name}, trained on {prediction.trained_on}.")
    return "\n".join(lines)
