"""The patient mirrored: the image along x and, inseparably, left and right organs exchanged.

Arrays are ``[z, y, x]`` in canonical orientation (x patient left).
"""

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.organs import other_sides
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
    table = np.arange(256, dtype=np.uint8)
    values, names = zip(*organs, strict=True) if organs else ((), ())
    try:
        table[list(values)] = [values[other] for other in other_sides(names)]
    except ValueError as error:
        raise InputError(str(error)) from None
    return table
