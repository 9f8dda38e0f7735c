"""A CT in other fields of view: cropped to the head, padded with air, cut and padded along z.

Arrays are canonical ``[z, y, x]``.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.head_in_view import shows_brain
from hnseg_infer.preprocessing import Window, body_mask
from hnseg_infer.volume import Volume

AS_IT_IS = "as it is"
TIGHT = "20 mm around the head"
IN_PLANE = (TIGHT, AS_IT_IS, "500 mm", "700 mm")
ALONG_Z = ("head alone", "60 mm of air above")

AIR_HU = -1000
AROUND_MM = 20.0
HEAD_MM = 150.0
"""Below the highest slice with brain; the crop in plane takes the head's extent from these slices."""
REACH_MM = 130.0
"""From the organs' centre to where a head ends; arms and shoulders beside it are cropped."""
HEAD_ALONE_MM = 230.0
"""From the highest slice with brain to below the chin."""
ABOVE_MM = 60.0


@dataclass(frozen=True)
class Field:
    """A CT in a field of view. first: where its first voxel lies in the CT; before, where it is padded."""

    ct: Volume
    first: tuple[int, int, int]

    def labels_on(self, labels: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Labels of the field on the CT's grid; 0 where the field does not reach."""
        result, inside = np.zeros(shape, np.uint8), self.inside(shape)
        result[inside] = labels[
            tuple(
                slice(part.start - start, part.stop - start)
                for part, start in zip(inside, self.first, strict=True)
            )
        ]
        return result

    def inside(self, shape: tuple[int, ...]) -> Window:
        """The part of the CT that the field shows."""
        z, y, x = (
            slice(max(start, 0), min(start + length, size))
            for start, length, size in zip(self.first, self.ct.array.shape, shape, strict=True)
        )
        return z, y, x


def field_of_view(ct: Volume, draft: NDArray[np.uint8], name: str) -> Field:
    """The CT in the field of that name; the draft contours tell where the head is."""
    _, height, width = ct.array.shape
    if name == AS_IT_IS:
        return _field(ct, 0, slice(0, height), slice(0, width))
    if name == TIGHT:
        return _field(ct, 0, *head_box(ct, draft))
    spacing = ct.geometry.spacing_zyx
    if name == "head alone":
        bottom = max(0, highest_brain(ct) - round(HEAD_ALONE_MM / spacing[0]))
        return _field(ct, bottom, slice(0, height), slice(0, width))
    padding = [(0, 0), (0, 0), (0, 0)]
    if name == "60 mm of air above":
        padding[0] = (0, round(ABOVE_MM / spacing[0]))
    else:
        wanted = float(name.removesuffix(" mm"))
        for axis in (1, 2):
            missing = max(0, round(wanted / spacing[axis]) - ct.array.shape[axis])
            padding[axis] = (missing // 2, missing - missing // 2)
    padded = np.pad(ct.array, padding, constant_values=AIR_HU)
    geometry = replace(ct.geometry, shape=padded.shape)
    return Field(Volume(padded, geometry), (-padding[0][0], -padding[1][0], -padding[2][0]))


def _field(ct: Volume, bottom: int, rows: slice, columns: slice) -> Field:
    array = np.ascontiguousarray(ct.array[bottom:, rows, columns])
    return Field(
        Volume(array, replace(ct.geometry, shape=array.shape)), (bottom, rows.start, columns.start)
    )


def highest_brain(ct: Volume) -> int:
    """The highest slice that shows a brain."""
    planes = range(len(ct.array) - 1, -1, -1)
    return next(z for z in planes if shows_brain(ct.array[z], ct.geometry.spacing_zyx[1:]))


def head_box(ct: Volume, draft: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns 20 mm around the head and all that is contoured, such as a cord in a bent neck."""
    spacing, top = ct.geometry.spacing_zyx, highest_brain(ct)
    slices = slice(max(0, top - round(HEAD_MM / spacing[0])), top + 1)
    center = [float(along.mean()) for along in np.nonzero(draft[slices])]
    mask, steps = body_mask(ct.array, spacing)
    rows, columns = (
        _around(
            near(np.flatnonzero(mask[slices].any(axis=(0, 3 - axis))) * step, center[axis], REACH_MM / mm),
            np.flatnonzero(draft.any(axis=(0, 3 - axis))),
            round(AROUND_MM / mm),
            ct.array.shape[axis],
        )
        for axis, step, mm in zip((1, 2), steps, spacing[1:], strict=True)
    )
    return rows, columns


def near(places: NDArray[np.intp], center: float, reach: float) -> NDArray[np.intp]:
    """Those of the places that lie within reach."""
    return places[np.abs(places - center) <= reach]


def _around(head: NDArray[np.intp], contoured: NDArray[np.intp], margin: int, size: int) -> slice:
    first, last = min(head[0], contoured[0]), max(head[-1], contoured[-1])
    return slice(max(0, int(first) - margin), min(size, int(last) + margin + 1))
