"""CTs that are in memory already: numpy arrays and SimpleITK images.

Arrays are ``[z, y, x]``; spacing, origin and direction belong to the array's own axes, in LPS millimetres.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hnseg_infer.errors import InputError
from hnseg_infer.formats._common import voxel_values
from hnseg_infer.formats._itk import simpleitk
from hnseg_infer.volume import Array, Geometry, Matrix, Numbers, Volume

if TYPE_CHECKING:
    from SimpleITK import Image

_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def from_array(
    array: ArrayLike, *, spacing_zyx: Numbers, origin: Numbers = (0.0, 0.0, 0.0), direction: Matrix = _AXIAL
) -> Volume:
    """A CT from an array ``[z, y, x]`` of HU: a copy in int16 where that loses nothing, else in float32.

    spacing_zyx: mm along z, y, x, as the array's axes. origin: LPS mm (x, y, z) of the first voxel's centre.
    direction: 3 x 3, columns are the LPS directions of the array's x, y and z; by default these run towards
    the patient's left, back and head. Raises InputError when there are not three axes of numbers.
    """
    return _volume(np.asarray(array), tuple(spacing_zyx)[::-1], origin, direction)


def from_sitk(image: "Image") -> Volume:
    """A CT from a SimpleITK image in HU, with its geometry; the voxels are copied as in ``from_array``.

    Raises InputError unless the image is 3D with one real value per voxel.
    """
    # SimpleITK's own annotations are incomplete
    given: Any = image
    axes, components = given.GetDimension(), given.GetNumberOfComponentsPerPixel()
    if axes != 3 or components != 1:
        raise InputError(f"The image is {axes}D with {components} values per voxel; 3D with one is accepted.")
    array = simpleitk().GetArrayViewFromImage(given)
    return _volume(array, given.GetSpacing(), given.GetOrigin(), given.GetDirection())


def _volume(array: Array, spacing: Sequence[float], origin: Numbers, direction: Matrix) -> Volume:
    if array.ndim != 3 or array.size == 0 or array.dtype.kind not in "iuf":
        raise InputError(
            f"The array is {array.dtype} of shape {array.shape}; whole or decimal numbers along three axes "
            "are accepted."
        )
    return Volume(voxel_values(array), Geometry(array.shape, spacing, origin, direction))
