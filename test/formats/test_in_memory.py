"""Arrays and SimpleITK images as CTs, against SimpleITK's own idea of where a voxel lies."""

import numpy as np
import pytest
import SimpleITK

import hnseg_infer
from hnseg_infer.errors import InputError
from hnseg_infer.formats.in_memory import from_array, from_sitk
from hnseg_infer.volume import Array, Volume

HU = np.random.default_rng(0).integers(-1024, 3000, (4, 5, 6)).astype(np.int16)
TURNED = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


def itk_image(array: Array = HU) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((0.9, 1.1, 3.0))
    image.SetOrigin((-10.5, 20.0, 30.25))
    image.SetDirection(TURNED.ravel())
    return image


def given(array: Array = HU) -> Volume:
    return from_array(array, spacing_zyx=(3.0, 1.1, 0.9), origin=(-10.5, 20.0, 30.25), direction=TURNED)


def test_an_array_and_an_image_lie_at_the_same_place() -> None:
    for volume in (given(), from_sitk(itk_image())):
        np.testing.assert_array_equal(volume.array, HU)
        expected = itk_image().TransformIndexToPhysicalPoint((3, 2, 1))
        np.testing.assert_allclose(volume.geometry.position((1, 2, 3)), expected, atol=1e-12)
        assert volume.geometry.spacing == (0.9, 1.1, 3.0)


def test_a_file_of_the_image_is_the_same_ct(tmp_path) -> None:
    SimpleITK.WriteImage(itk_image(), tmp_path / "ct.mha")
    read = hnseg_infer.read_ct(str(tmp_path / "ct.mha"))
    assert read.geometry == from_sitk(itk_image()).geometry == given().geometry


def test_without_a_direction_axes_run_left_back_and_up() -> None:
    geometry = from_array(HU, spacing_zyx=[3, 1, 1]).geometry
    np.testing.assert_array_equal(geometry.position((1, 2, 4)), [4, 2, 3])


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("uint8", "int16"), ("uint16", "int16"), ("int64", "int16"), ("float16", "float32"), (">f8", "float32")],
)
def test_voxels_are_copied_into_what_the_pipeline_takes(dtype: str, kept: str) -> None:
    array = np.abs(HU % 200).astype(dtype)
    volume = from_array(array, spacing_zyx=(1, 1, 1))
    np.testing.assert_array_equal(volume.array, array)
    assert volume.array.dtype == kept
    assert not np.shares_memory(volume.array, array)


def test_the_image_is_not_changed_and_may_go() -> None:
    image = itk_image()
    volume = from_sitk(image)
    volume.array[0, 0, 0] += 1
    assert image[0, 0, 0] == HU[0, 0, 0]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (HU[0], r"int16 of shape \(5, 6\)"),
        (HU[:0], r"of shape \(0, 5, 6\)"),
        (HU + 1j, "complex128"),
        (HU > 0, "bool"),
        ("a CT", "of shape"),
    ],
)
def test_what_is_no_array_of_hu_is_refused(array: Array, said: str) -> None:
    with pytest.raises(InputError, match=f"The array is .*{said}.*are accepted"):
        from_array(array, spacing_zyx=(1, 1, 1))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (SimpleITK.Image([4, 5], SimpleITK.sitkInt16), "2D with 1 values"),
        (SimpleITK.Image([4, 5, 6, 1], SimpleITK.sitkInt16), "4D"),
        (SimpleITK.Image([4, 5, 6], SimpleITK.sitkVectorUInt8), "3D with 3 values"),
    ],
)
def test_what_is_no_image_of_a_ct_is_refused(image: SimpleITK.Image, said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_sitk(image)
