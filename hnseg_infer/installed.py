"""The bundles that come with the code, by name."""

from collections.abc import Mapping
from pathlib import Path

from hnseg_infer.errors import BundleError

_ROOT = Path(__file__).resolve().parent.parent

DEFAULT_FOLDER = _ROOT / "model_weights"

DEFAULT = "default"
"""The name of what runs where no bundle is asked for."""

MANIFEST = "bundle.json"


def installed_bundles() -> Mapping[str, Path]:
    """Folder of every bundle in the repository by name: ``model_weights``, then those in ``bundles``."""
    others = sorted(path.parent for path in (_ROOT / "bundles").glob(f"*/{MANIFEST}"))
    return {DEFAULT: DEFAULT_FOLDER, **{folder.name: folder for folder in others}}


def bundle_folder(asked: Path | None) -> Path:
    """The folder of a bundle that was asked for by name or by place; a place that exists comes first.

    Raises BundleError when it is neither.
    """
    if asked is not None and asked.is_dir():
        return asked
    installed = installed_bundles()
    folder = installed.get(DEFAULT if asked is None else str(asked))
    if folder is None:
        names = ", ".join(installed)
        raise BundleError(
            f"The model bundle {asked} is not a folder; accepted is a folder with {MANIFEST}, or {names}."
        )
    return folder
