"""The bundles that come with the code, by name."""

from collections.abc import Mapping
from pathlib import Path

from hnseg_infer.errors import BundleError

_PACKAGE = Path(__file__).resolve().parent

_WHEEL = _PACKAGE / "weights"
"""Where a wheel carries what a checkout and the container have beside the package (see setup.py)."""

_ROOT = _WHEEL if _WHEEL.is_dir() else _PACKAGE.parent

DEFAULT_FOLDER = _ROOT / "model_weights"

DEFAULT = "default"
"""The name of what runs where no bundle is asked for."""

MANIFEST = "bundle.json"


def installed_bundles() -> Mapping[str, Path]:
    """Folder by name of every bundle that comes with the code: ``model_weights``, those in ``bundles``."""
    others = sorted(path.parent for path in (_ROOT / "bundles").glob(f"*/{MANIFEST}"))
    return {DEFAULT: DEFAULT_FOLDER, **{folder.name: folder for folder in others}}


def bundle_folder(asked: Path | str | None) -> Path:
    """The folder of a bundle that was asked for by place or by name.

    A folder that holds a manifest comes first, then the name, so that a folder that merely has a bundle's
    name does not hide it. Raises BundleError when it is neither a folder nor a name.
    """
    installed = installed_bundles()
    if asked is None:
        return installed[DEFAULT]
    place = Path(asked)
    if (place / MANIFEST).is_file():
        return place
    if str(asked) in installed:
        return installed[str(asked)]
    if place.is_dir():
        # whoever reads the bundle says what the folder lacks
        return place
    raise BundleError(
        f"The model bundle {asked} is not a folder; accepted is a folder with {MANIFEST}, "
        f"or {', '.join(installed)}."
    )
