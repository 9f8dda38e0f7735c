"""Grand Challenge's conventions: one CT from ``/input`` in, a mask and ``results.json`` in ``/output`` out.

    INPUT/images/<slug>/<anything>.mha    or the CT, a file or a DICOM series, lying in INPUT itself
    OUTPUT/images/<slug>/<same stem>.mha  labels, on exactly the CT's grid
    OUTPUT/results.json

``run_case`` is one case, however it was asked for. The modules that load networks and images are
imported when a case runs, after the libraries below them were held to the granted CPUs.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hnseg_infer.cpus import limit_threads
from hnseg_infer.errors import HNSegError


class Defaults:
    """What holds where the caller says nothing."""

    @property
    def input_folder(self) -> Path:
        """Where the platform mounts the case."""
        return Path("/input")

    @property
    def output_folder(self) -> Path:
        """Where the platform collects the results."""
        return Path("/output")

    @property
    def mounted_model(self) -> Path:
        """Where the platform unpacks weights that were uploaded apart from the image."""
        return Path("/opt/ml/model")

    @property
    def model_folder(self) -> Path | None:
        """The mounted weights when there are any, else None: the bundle that comes with the code."""
        mounted = self.mounted_model
        return mounted if mounted.is_dir() and any(mounted.iterdir()) else None

    @property
    def input_slug(self) -> str:
        """The platform's name for the CT; decides only where the input holds images of several names."""
        return os.environ.get("HNSEG_INPUT_SLUG", "ct")

    @property
    def output_slug(self) -> str:
        """The platform's name for the mask."""
        return os.environ.get("HNSEG_OUTPUT_SLUG", "head_neck_oar")


@dataclass(frozen=True)
class Settings:
    """Where one case comes from and goes to. model: a bundle's folder, or None for the one shipped."""

    input_folder: Path
    output_folder: Path
    model: Path | None
    device: str
    input_slug: str
    output_slug: str


def run_case(settings: Settings) -> Path:
    """Segment the one CT of the input folder and return the mask's path; results.json is complete by then.

    Raises HNSegError (InputError for the CT, BundleError for the weights) and leaves nothing in the output
    folder then.
    """
    from hnseg_infer.ct_folder import find_ct
    from hnseg_infer.formats import read_ct, stem, write
    from hnseg_infer.pipeline import segment
    from hnseg_infer.report import write_results

    ct_path = find_ct(settings.input_folder, settings.input_slug)
    ct = read_ct(ct_path)
    with _output_folder(settings.output_folder / "images" / settings.output_slug) as folder:
        prediction = segment(ct, bundle=settings.model, device=settings.device, source=ct_path.name)
        mask = folder / f"{stem(ct_path)}.mha"
        try:
            write(prediction.labels, mask)
            write_results(prediction, settings.output_folder / "results.json")
        except BaseException as error:
            # a mask without its report is half a result
            mask.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise _unwritable(settings.output_folder, error.strerror) from error
            raise
    return mask


@contextmanager
def _output_folder(folder: Path) -> Iterator[Path]:
    """The folder, made with its parents where missing; what was made is removed again when the case fails."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error.strerror) from error
    try:
        # said now, not after minutes of work
        if not os.access(folder, os.W_OK):
            raise _unwritable(folder, "no permission")
        yield folder
    except BaseException:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


def _unwritable(folder: Path, reason: str | None) -> HNSegError:
    return HNSegError(f"The output folder {folder} cannot be written ({reason}).")


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from command line arguments, then the environment, then the platform's conventions."""
    defaults = Defaults()
    parser = argparse.ArgumentParser(description="Segment the one CT in a folder.")
    parser.add_argument("--input", type=Path, default=defaults.input_folder, metavar="DIR")
    parser.add_argument("--output", type=Path, default=defaults.output_folder, metavar="DIR")
    parser.add_argument(
        "--model",
        type=Path,
        default=defaults.model_folder,
        metavar="DIR",
        help=f"a model bundle (default: what lies in {defaults.mounted_model}, else the one shipped)",
    )
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parsed = parser.parse_args(arguments)
    return Settings(
        parsed.input, parsed.output, parsed.model, parsed.device, defaults.input_slug, defaults.output_slug
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one case; returns 0, or 1 with one plain sentence as the last line of standard error."""
    limit_threads()
    settings = read_settings(arguments)
    try:
        mask = run_case(settings)
    except HNSegError as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    except Exception as error:
        traceback.print_exc()
        what = f"{type(error).__name__}: {_one_line(error)}"
        print(f"HNSeg itself failed ({what}); please report the lines above.", file=sys.stderr)
        return 1
    print(f"Wrote {mask} and {settings.output_folder / 'results.json'}.")
    return 0


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
