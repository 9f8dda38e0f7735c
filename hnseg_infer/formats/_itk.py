"""The one place where the formats get at SimpleITK, loaded on first use to keep start-up short."""

from typing import Any


def simpleitk() -> Any:
    """SimpleITK with its warnings silenced: what is wrong with a file is said by our own errors."""
    import SimpleITK

    # Typed as anything: SimpleITK's own annotations are incomplete.
    itk: Any = SimpleITK
    itk.ProcessObject.SetGlobalWarningDisplay(False)
    return itk
