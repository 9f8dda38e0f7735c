"""The patient mirrored: the image along x and, inseparably, left and right organs exchanged.

Arrays are ``[z, y, x]`` in canonical orientation (x patient left).
"""

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.organs import side_of
from hnseg_infer.volume import Volume
from hnseg_train.recipes import Organs


def mirror(ct: Volume, labels: NDArray[np.uint8], *, organs: Organs) -> tuple[Volume, NDArray[np.uint8]]:
    """The mirrored patient on the same grid: what lay on the left lies on the right and is called so.

    Raises InputError when an organ has only one side in ``organs``, and when the labels hold a value that
    ``organs`` does not name: its side is not known.
    """
    table = exchange_table(organs)
    unknown = set(np.unique(labels).tolist()) - {0} - {value for value, _ in organs}
    if unknown:
        values = ", ".join(str(value) for value in sorted(unknown))
        raise InputError(f"The labels hold {values}, which no organ has: their sides cannot be exchanged.")
    array = np.ascontiguousarray(ct.array[..., ::-1])
    return Volume(array, ct.geometry), np.ascontiguousarray(table[labels][..., ::-1])


def exchange_table(organs: Organs) -> NDArray[np.uint8]:
    """``[256]``: the label value of each value's other side; itself for organs without a side.

    Raises InputError when an organ has only one side in the table.
    """
    sided = {side_of(name): (value, name) for value, name in organs}
    table = np.arange(256, dtype=np.uint8)
    for (stem, side), (value, name) in sided.items():
        if side == "-":
            continue
        other = sided.get((stem, "R" if side == "L" else "L"))
        if other is None:
            raise InputError(f"Organ {name} has no other side among the organs; it cannot be mirrored.")
        table[value] = other[0]
    return table
