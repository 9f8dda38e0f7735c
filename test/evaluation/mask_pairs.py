"""Pairs of masks to hold metrics against other libraries: random ones and degenerate ones.

Arrays are ``[z, y, x]``. ``RandomState`` because its numbers never change between numpy versions.
"""

from dataclasses import dataclass

import numpy as np

THICK = (3.0, 1.5, 1.0)
ISOTROPIC = (1.0, 1.0, 1.0)
FINE = (0.45, 0.7, 0.35)


@dataclass(frozen=True)
class Pair:
    """Two masks of one shape, and the distance of their voxels in mm along z, y, x."""

    prediction: np.ndarray
    reference: np.ndarray
    spacing: tuple[float, float, float]


def blob(seed, shape=(20, 26, 30)):
    noise = np.random.RandomState(seed).normal(size=shape)
    z, y, x = np.indices(shape)
    return ((z - 10) ** 2 / 30 + (y - 13) ** 2 / 60 + (x - 15) ** 2 / 80 + 0.6 * noise) < 1.0


def box(*slices, shape=(12, 14, 16)):
    mask = np.zeros(shape, bool)
    mask[slices] = True
    return mask


def noise(seed, shape=(7, 9, 8)):
    return np.random.RandomState(seed).rand(*shape) < 0.4


INNER = box(slice(3, 9), slice(4, 10), slice(5, 11))

PAIRS = {
    **{
        f"random_{seed}_{name}": Pair(blob(seed), blob(seed + 100), spacing)
        for seed in range(3)
        for name, spacing in (("thick", THICK), ("isotropic", ISOTROPIC), ("fine", FINE))
    },
    **{f"noise_{seed}": Pair(noise(seed), noise(seed + 50), THICK) for seed in range(3)},
    "identical": Pair(blob(7), blob(7), THICK),
    "shifted": Pair(np.roll(INNER, (1, 0, 2), (0, 1, 2)), INNER, THICK),
    "apart": Pair(box(slice(0, 2), slice(0, 2), slice(0, 2)), box(slice(9, 12), 13, slice(3, 16)), THICK),
    "one_voxel_each": Pair(box(2, 3, 4), box(5, 3, 8), THICK),
    "same_voxel": Pair(box(2, 3, 4), box(2, 3, 4), FINE),
    "one_voxel_in_a_box": Pair(box(5, 7, 8), INNER, ISOTROPIC),
    "one_slice": Pair(box(4, slice(2, 9), slice(3, 12)), box(5, slice(2, 9), slice(3, 12)), THICK),
    "one_row": Pair(box(4, 5, slice(0, 16)), box(4, 6, slice(0, 16)), ISOTROPIC),
    "touching_the_border": Pair(
        box(slice(0, 5), slice(0, 6), slice(10, 16)), box(slice(0, 6), slice(0, 6), slice(9, 16)), THICK
    ),
    "filling_the_image": Pair(np.ones((4, 5, 6), bool), np.ones((4, 5, 6), bool), THICK),
    "hollow": Pair(INNER & ~box(slice(5, 7), slice(6, 8), slice(7, 9)), INNER, ISOTROPIC),
    "one_voxel_image": Pair(np.ones((1, 1, 1), bool), np.ones((1, 1, 1), bool), THICK),
}

ONE_EMPTY = {
    "missed": Pair(np.zeros_like(INNER), INNER, THICK),
    "invented": Pair(INNER, np.zeros_like(INNER), THICK),
}
