"""HNSeg inference: a head-and-neck planning CT in, a mask of organs at risk out."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load ``segment`` on first use, so that ``import hnseg_infer`` stays free of heavy modules."""
    if name == "segment":
        from hnseg_infer.pipeline import segment

        return segment
    raise AttributeError(f"module 'hnseg_infer' has no attribute {name!r}")
