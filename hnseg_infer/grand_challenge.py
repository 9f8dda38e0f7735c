"""Grand Challenge's conventions: one CT from ``/input`` in, a mask and ``results.json`` in ``/output`` out.

    INPUT/images/<slug>/<anything>.mha    or the CT, a file or a DICOM series, lying in INPUT itself
    OUTPUT/images/<slug>/<same stem>.mha  labels, on exactly the CT's grid
    OUTPUT/results.json

``run_case`` is one case, whether the process ends with it (exec) or serves many (invoke). The modules that
load networks and images are imported when they are needed, after the libraries below them were held to
the granted CPUs.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hnseg_infer.cpus import limit_threads
from hnseg_infer.devices import Precision, add_device_options
from hnseg_infer.errors import HNSegError, sentence
from hnseg_infer.progress import Progress, terminal_progress

if TYPE_CHECKING:
    from hnseg_infer.invoke_server import Case
    from hnseg_infer.loaded_bundle import LoadedBundle


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

    @property
    def port(self) -> str:
        """Where the platform calls invoke mode; text, which the parser checks like an argument."""
        return os.environ.get("HNSEG_PORT", "4743")


@dataclass(frozen=True)
class Settings:
    """Where cases come from and go to. model: a bundle's folder, or None for the one shipped.

    serve: wait for cases on ``host`` and ``port``, instead of running one.
    """

    input_folder: Path
    output_folder: Path
    model: Path | None
    device: str
    precision: Precision
    input_slug: str
    output_slug: str
    serve: bool
    host: str
    port: int


def run_case(
    settings: Settings, loaded: "LoadedBundle | None" = None, progress: Progress | None = None
) -> Path:
    """Segment the one CT of the input folder and return the mask's path; results.json is complete by then.

    loaded: networks that are ready, in place of those that the settings name.
    Raises HNSegError (InputError for the CT, BundleError for the weights) and leaves nothing in the output
    folder then.
    """
    from hnseg_infer.ct_folder import find_ct
    from hnseg_infer.formats import read_ct, stem, write
    from hnseg_infer.loaded_bundle import start_loading
    from hnseg_infer.pipeline import segment
    from hnseg_infer.report import write_results

    ct_path = find_ct(settings.input_folder, settings.input_slug)
    bundle = loaded or start_loading(settings.model, settings.device, settings.precision)
    ct = read_ct(ct_path)
    with _output_folder(settings.output_folder / "images" / settings.output_slug) as folder:
        prediction = segment(ct, bundle=bundle, source=ct_path.name, progress=progress)
        mask, results = folder / f"{stem(ct_path)}.mha", settings.output_folder / "results.json"
        try:
            write(prediction.labels, mask)
            write_results(prediction, results)
        except BaseException as error:
            # one without the other is half a result
            mask.unlink(missing_ok=True)
            results.unlink(missing_ok=True)
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
    parser.add_argument(
        "mode", nargs="?", choices=("serve",), help="wait for cases on a port (default: run one and exit)"
    )
    parser.add_argument("--input", type=Path, default=defaults.input_folder, metavar="DIR")
    parser.add_argument("--output", type=Path, default=defaults.output_folder, metavar="DIR")
    parser.add_argument(
        "--model",
        type=Path,
        default=defaults.model_folder,
        metavar="BUNDLE",
        help=f"a model bundle, folder or name (default: what lies in {defaults.mounted_model}, else default)",
    )
    add_device_options(parser)
    parser.add_argument("--host", default="0.0.0.0", help="of serve (default: %(default)s)")
    parser.add_argument("--port", type=int, default=defaults.port, help="of serve (default: %(default)s)")
    parsed = parser.parse_args(arguments)
    return Settings(
        input_folder=parsed.input,
        output_folder=parsed.output,
        model=parsed.model,
        device=parsed.device,
        precision=parsed.precision,
        input_slug=defaults.input_slug,
        output_slug=defaults.output_slug,
        serve=parsed.mode == "serve",
        host=parsed.host,
        port=parsed.port,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one case, or serve; returns 0, or 1 with one plain sentence as standard error's last line."""
    limit_threads()
    settings = read_settings(arguments)
    try:
        if settings.serve:
            from hnseg_infer.invoke_server import serve

            serve(lambda: _load(settings), settings.host, settings.port)
        else:
            with terminal_progress(sys.stderr) as progress:
                mask = run_case(settings, progress=progress)
            print(_written(mask, settings))
    except Exception as error:
        # whatever goes wrong ends in one sentence; what nobody foresaw also says where
        if not isinstance(error, HNSegError):
            traceback.print_exc()
        print(sentence(error), file=sys.stderr)
        return 1
    return 0


def _load(settings: Settings) -> "Case":
    from hnseg_infer.loaded_bundle import load

    loaded = load(settings.model, settings.device, settings.precision)
    return lambda: _written(run_case(settings, loaded), settings)


def _written(mask: Path, settings: Settings) -> str:
    return f"Wrote {mask} and {settings.output_folder / 'results.json'}."
