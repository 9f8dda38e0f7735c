"""Volumes for the format tests, and SimpleITK's view of them as the second opinion."""

from typing import Any

import numpy as np
import SimpleITK

from hnseg_infer.volume import Array, Geometry, Volume

SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)


def rotation(seed: int) -> Array:
    """A random orthonormal matrix; about half of them are mirrored, as the axis orders of real files are."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix


def oblique_volume(seed: int, dtype: Any = np.int16) -> Volume:
    """Random voxels ``[z, y, x]`` on a grid whose numbers have no short decimal form."""
    rng = np.random.default_rng(seed)
    low, high = (0, 23) if dtype == np.uint8 else (-1024, 3000)
    spacing, origin = rng.uniform(0.5, 3.0, 3), rng.uniform(-500, 500, 3)
    geometry = Geometry(
        shape=(5, 7, 9),
        spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        origin=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=tuple(rotation(seed).ravel().tolist()),
    )
    return Volume(rng.integers(low, high, (5, 7, 9)).astype(dtype), geometry)


def to_itk(volume: Volume) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(volume.array)
    image.SetSpacing(volume.geometry.spacing)
    image.SetOrigin(volume.geometry.origin)
    image.SetDirection(volume.geometry.direction)
    return image


def assert_same_as_itk(volume: Volume, image: SimpleITK.Image) -> None:
    """Same voxels, and a geometry that is equal to the last digit."""
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayViewFromImage(image))
    assert volume.geometry.spacing == image.GetSpacing()
    assert volume.geometry.origin == image.GetOrigin()
    assert volume.geometry.direction == image.GetDirection()
