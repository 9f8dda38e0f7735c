"""Whether the left and the right of a pair of organs were exchanged."""

from collections.abc import Mapping

import numpy as np

from hnseg_infer.organs import side_of
from hnseg_infer.volume import Volume, to_canonical


def swapped(labels: Volume, names: Mapping[int, str]) -> list[str]:
    """Pairs of which the left one's centre lies on the right of the right one's, in the patient."""
    array = to_canonical(labels).array
    places = {
        side_of(name): float(np.nonzero(array == value)[2].mean())
        for value, name in names.items()
        if (array == value).any()
    }
    return [
        base for base, side in places if side == "L" and places[base, "L"] <= places.get((base, "R"), -np.inf)
    ]
