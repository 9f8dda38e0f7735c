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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hnseg_infer.cpus import limit_threads
from hnseg_infer.devices import Precision, add_device_options
from hnseg_infer.early_port import ANY_ADDRESS, open_port, port_setting
from hnseg_infer.errors import HNSegError, exit_code
from hnseg_infer.files import output_folder, write_together
from hnseg_infer.progress import Progress, terminal_progress

if TYPE_CHECKING:
    from socket import socket

    from hnseg_infer.invoke_server import Case
    from hnseg_infer.loaded_bundle import LoadedBundle
    from hnseg_infer.report import Prediction


REPORT = "results.json"
"""The platform's name for what is found out beside the mask."""


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
        return port_setting()


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
) -> "tuple[Path, Prediction]":
    """Segment the one CT of the input folder; the mask, at the path returned, and results.json are complete.

    loaded: networks that are ready, in place of those that the settings name.
    Raises HNSegError (InputError for the CT, BundleError for the weights) and leaves nothing in the output
    folder then.
    """
    from hnseg_infer.ct_folder import find_ct
    from hnseg_infer.formats import read_ct, stem, write
    from hnseg_infer.identity import identify
    from hnseg_infer.loaded_bundle import start_loading
    from hnseg_infer.pipeline import segment
    from hnseg_infer.report import write_results

    ct_path = find_ct(settings.input_folder, settings.input_slug)
    bundle = loaded or start_loading(settings.model, settings.device, settings.precision)
    ct = read_ct(ct_path)
    folder = settings.output_folder / "images" / settings.output_slug
    with output_folder(settings.output_folder), output_folder(folder):
        prediction = segment(ct, bundle=bundle, source=ct_path.name, progress=progress)
        mask = folder / f"{stem(ct_path)}.mha"
        identity = identify(ct, ct_path.name)
        files = {
            mask: lambda path: write(prediction.labels, path),
            settings.output_folder / REPORT: (
                lambda path: write_results(prediction, path, identity, mask.name)
            ),
        }
        write_together(settings.output_folder, files)
    return mask, prediction


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
    parser.add_argument("--host", default=ANY_ADDRESS, help="of serve (default: %(default)s)")
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


def main(arguments: Sequence[str] | None = None, port: "socket | None" = None) -> int:
    """Run one case, or serve; returns 0, or 1 with one plain sentence as standard error's last line.

    port: to serve on, where ``early_port`` opened it.
    """
    limit_threads()
    settings = read_settings(arguments)
    return exit_code(lambda: _serve(settings, port) if settings.serve else _run(settings))


def _run(settings: Settings) -> None:
    with terminal_progress(sys.stderr) as progress:
        mask, prediction = run_case(settings, progress=progress)
    print(_told(prediction))
    print(_written(mask, settings))


def _serve(settings: Settings, port: "socket | None") -> None:
    from hnseg_infer.invoke_server import serve

    try:
        port = port or open_port(settings.host, settings.port)
    except (OSError, OverflowError) as error:
        raise HNSegError(
            f"The port {settings.port} of {settings.host} cannot be opened ({error})."
        ) from error
    serve(lambda: _load(settings), port)


def _load(settings: Settings) -> "Case":
    from hnseg_infer.loaded_bundle import load

    loaded = load(settings.model, settings.device, settings.precision)

    def case() -> str:
        mask, prediction = run_case(settings, loaded)
        print(_told(prediction), flush=True)
        return _written(mask, settings)

    return case


def _told(prediction: "Prediction") -> str:
    from hnseg_infer.summary import summary

    return summary(prediction, REPORT)


def _written(mask: Path, settings: Settings) -> str:
    return f"Wrote {mask} and {settings.output_folder / REPORT}."
