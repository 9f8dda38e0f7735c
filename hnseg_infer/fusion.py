"""Many models' labels become one volume: every organ from the model that provides it (docs/method.md)."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.pieces import largest_pieces


def fuse(
    labels: Mapping[str, NDArray[np.uint8]], provider: Mapping[int, str], largest: Collection[int] = ()
) -> NDArray[np.uint8]:
    """One label volume from each model's own labels ``[z, y, x]`` on the same grid.

    labels: organ ids per voxel, by model name. provider: organ id to model name. Each organ consists of its
    provider's voxels alone, painted in order of falling size (ties: rising id), so that where two models
    claim a voxel the smaller organ keeps it. largest: organs of which only the largest piece counts. Raises
    KeyError when a provider's labels are missing.
    """
    labels = {
        name: largest_pieces(array, organs)
        if (organs := [organ for organ in largest if provider[organ] == name])
        else array
        for name, array in labels.items()
    }
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
