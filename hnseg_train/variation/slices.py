"""Slices thicker than they lie apart, as a reconstruction with a wider slice profile gives them.

Arrays are ``[z, y, x]`` in canonical orientation, HU in float32.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hnseg_infer.volume import Volume

THICKNESS_MM = (1.0, 5.0)
"""From thin slices to the thickest that planning CTs have."""


@dataclass(frozen=True)
class SliceProfile:
    """thickness: mm along z that one slice stands for."""

    thickness: float


def sample_slice_profile(rng: np.random.Generator) -> SliceProfile:
    """Draw a thickness."""
    return SliceProfile(float(rng.uniform(*THICKNESS_MM)))


def thicken_slices(ct: Volume, *, profile: SliceProfile) -> Volume:
    """Each slice the mean over ``profile.thickness`` mm of z; the given CT where slices lie further apart.

    A slice stands for the slice distance about its middle; the outermost ones go on.
    """
    ratio = profile.thickness / ct.geometry.spacing[2]
    if ratio <= 1:
        return ct
    reach = int(np.ceil((ratio - 1) / 2))
    numbers = np.arange(-reach, reach + 1)
    # how much of the profile, a box about 0, each neighbour covers
    covered = np.minimum(numbers + 0.5, ratio / 2) - np.maximum(numbers - 0.5, -ratio / 2)
    array = ndimage.correlate1d(ct.array.astype(np.float32), covered / ratio, axis=0, mode="nearest")
    return Volume(array, ct.geometry)
