"""Many models' labels become one volume: every organ from the model that provides it (docs/method.md)."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.pieces import remove_strays


def drop_strays(
    labels: Mapping[str, NDArray[np.uint8]],
    provider: Mapping[int, str],
    organs: Collection[int],
    spacing_zyx: tuple[float, float, float],
) -> dict[str, NDArray[np.uint8]]:
    """Each model's labels without the strays (pieces.py) of those of the organs that it provides."""
    return {
        name: remove_strays(array, own, spacing_zyx)
        if (own := [organ for organ in organs if provider[organ] == name])
        else array
        for name, array in labels.items()
    }


def fuse(labels: Mapping[str, NDArray[np.uint8]], provider: Mapping[int, str]) -> NDArray[np.uint8]:
    """One label volume from each model's own labels ``[z, y, x]`` on the same grid.

    labels: organ ids per voxel, by model name. provider: organ id to model name. Each organ consists of its
    provider's voxels alone, painted in order of falling size (ties: rising id), so that where two models
    claim a voxel the smaller organ keeps it. Raises KeyError when a provider's labels are missing.
    """
    sizes = {name: label_counts(array) for name, array in labels.items()}
    painted = sorted(provider, key=lambda organ: (-int(sizes[provider[organ]][organ]), organ))
    # painting in order is the same as keeping the latest turn that any provider claims for a voxel
    latest = np.zeros_like(next(iter(labels.values())))
    for name, array in labels.items():
        turns = np.zeros(256, dtype=np.uint8)
        for turn, organ in enumerate(painted, start=1):
            if provider[organ] == name:
                turns[organ] = turn
        np.maximum(latest, turns[array], out=latest)
    return np.array([0, *painted], dtype=np.uint8)[latest]


def label_counts(labels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Voxels per label value; plane by plane, because ``bincount`` works on a copy eight times as large."""
    counts = np.zeros(256, dtype=np.intp)
    for plane in labels:
        counts += np.bincount(plane.ravel(), minlength=256)
    return counts
