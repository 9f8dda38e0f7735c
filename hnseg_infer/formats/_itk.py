"""The one place where the formats get at SimpleITK, loaded on first use to keep start-up short."""

from pathlib import Path
from typing import Any

from hnseg_infer.errors import InputError


def simpleitk() -> Any:
    """SimpleITK with its warnings silenced: what is wrong with a file is said by our own errors."""
    import SimpleITK

    # Typed as anything: SimpleITK's own annotations are incomplete.
    itk: Any = SimpleITK
    itk.ProcessObject.SetGlobalWarningDisplay(False)
    return itk


def itk_path(path: Path) -> str:
    """A path as ITK takes it. Raises InputError for one that is no UTF-8: at that ITK ends the process."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        name = str(path).encode("utf-8", errors="backslashreplace").decode("utf-8")
        raise InputError(f"The path {name} is not UTF-8, as it has to be.") from None
    return str(path)
