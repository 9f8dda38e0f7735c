"""Where the head lies: its centre and the label values of an organ on either side.

Arrays are ``[z, y, x]`` in canonical orientation; positions are index times spacing in mm, as z, y, x.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.organs import side_of
from hnseg_infer.preprocessing import HEAD_MM, body_mask
from hnseg_infer.volume import Volume
from hnseg_train.recipes import Organs

Point = tuple[float, float, float]


def organ_values(organs: Organs, stem: str) -> list[int]:
    """Label values of an organ by its name without the side: ``eye`` stands for both eyes."""
    return [value for value, name in organs if side_of(name)[0] == stem]


def label_boxes(labels: NDArray[np.uint8]) -> dict[int, tuple[slice, slice, slice]]:
    """Bounding box of each label value that occurs."""
    boxes = ndimage.find_objects(labels)
    return {value: box for value, box in enumerate(boxes, start=1) if box is not None}


def head_centre(ct: Volume, labels: NDArray[np.uint8]) -> Point:
    """Mean of the organs' centres, so that a long cord weighs no more than a lens; mm in z, y, x.

    Without labels: centroid of the top 200 mm of the body, and of the image where there is none.
    """
    spacing = ct.geometry.spacing_zyx
    boxes = label_boxes(labels)
    if boxes:
        middles = [[(part.start + part.stop - 1) / 2 for part in box] for box in boxes.values()]
        z, y, x = (float(value) for value in np.mean(middles, axis=0) * spacing)
        return z, y, x
    mask, (step_y, step_x) = body_mask(ct.array, spacing)
    occupied = np.flatnonzero(mask.any(axis=(1, 2)))
    if not occupied.size:
        z, y, x = ((size - 1) / 2 * mm for size, mm in zip(ct.array.shape, spacing, strict=True))
        return z, y, x
    bottom = max(0, int(occupied[-1]) - round(HEAD_MM / spacing[0]))
    planes, rows, columns = (float(axis.mean()) for axis in np.nonzero(mask[bottom:]))
    return (bottom + planes) * spacing[0], rows * step_y * spacing[1], columns * step_x * spacing[2]
