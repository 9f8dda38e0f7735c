"""HNSeg inference: a head-and-neck planning CT in, a mask of organs at risk out."""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Geometry",
    "HNSegError",
    "LoadedBundle",
    "Prediction",
    "Volume",
    "from_array",
    "from_sitk",
    "load",
    "read_ct",
    "read_labels",
    "segment",
    "write",
]

if TYPE_CHECKING:
    from hnseg_infer.errors import HNSegError
    from hnseg_infer.formats import read_ct, read_labels, write
    from hnseg_infer.formats.in_memory import from_array, from_sitk
    from hnseg_infer.loaded_bundle import LoadedBundle, load
    from hnseg_infer.pipeline import segment
    from hnseg_infer.report import Prediction
    from hnseg_infer.volume import Geometry, Volume
else:
    _HOMES = {
        "Geometry": "volume",
        "HNSegError": "errors",
        "LoadedBundle": "loaded_bundle",
        "Prediction": "report",
        "Volume": "volume",
        "from_array": "formats.in_memory",
        "from_sitk": "formats.in_memory",
        "load": "loaded_bundle",
        "read_ct": "formats",
        "read_labels": "formats",
        "segment": "pipeline",
        "write": "formats",
    }

    def __getattr__(name):
        """Load on first use, so that ``import hnseg_infer`` stays free of heavy modules."""
        if name in _HOMES:
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
