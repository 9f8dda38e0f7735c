"""Generated patients: CTs with all 22 organs, painted from shapes, for training without patient data."""

from hnseg_train.phantom.generator import Phantom, generate

__all__ = ["Phantom", "generate"]
