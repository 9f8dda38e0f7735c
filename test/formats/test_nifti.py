import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from written_volumes import assert_same_as_itk, oblique_volume, rotation, to_itk

from hnseg_infer.errors import InputError
from hnseg_infer.formats import nifti
from hnseg_infer.volume import Geometry, Volume

VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_nibabel(
    path: Path, affine: np.ndarray, *, sform: int, qform: int, array: np.ndarray = VOXELS
) -> nibabel.Nifti1Image:
    image = nibabel.Nifti1Image(array.T, None)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, qform)
    image.set_sform(affine, sform)
    nibabel.save(image, path)
    return image


def oblique_affine(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = rotation(seed) * rng.uniform(0.5, 3, 3)
    affine[:3, 3] = rng.uniform(-500, 500, 3)
    return affine


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (1, 0), (0, 1), (2, 1), (1, 2), (4, 0)])
@pytest.mark.parametrize("seed", range(8))
def test_geometry_is_what_itk_reads(tmp_path: Path, seed: int, sform: int, qform: int) -> None:
    path = tmp_path / "ct.nii"
    write_nibabel(path, oblique_affine(seed), sform=sform, qform=qform)
    assert_same_as_itk(nifti.read(path), SimpleITK.ReadImage(str(path)))


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (1, 0), (0, 1), (2, 1)])
@pytest.mark.parametrize("seed", range(8))
def test_a_grid_from_nifti_survives_nifti_to_the_last_digit(
    tmp_path: Path, seed: int, sform: int, qform: int
) -> None:
    source, copy = tmp_path / "ct.nii.gz", tmp_path / "copy.nii.gz"
    write_nibabel(source, oblique_affine(seed), sform=sform, qform=qform)
    volume = nifti.read(source)
    nifti.write(volume, copy)
    assert_same_as_itk(volume, SimpleITK.ReadImage(str(copy)))
    assert nifti.read(copy).geometry == volume.geometry


@pytest.mark.parametrize("seed", range(8))
def test_any_grid_is_written_to_single_precision(tmp_path: Path, seed: int) -> None:
    volume = oblique_volume(seed)
    geometry = volume.geometry
    path = tmp_path / "ct.nii.gz"
    nifti.write(volume, path)
    image = nibabel.load(path)
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, volume.array)
    affine = np.eye(4)
    affine[:3, :3] = geometry.matrix * geometry.spacing
    affine[:3, 3] = geometry.origin
    np.testing.assert_allclose(image.get_sform(), RAS_OF_LPS @ affine, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(image.get_qform(), RAS_OF_LPS @ affine, rtol=1e-5, atol=1e-4)
    assert image.header.get_xyzt_units()[0] == "mm"


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_itk_reads_what_was_written(tmp_path: Path, dtype: type) -> None:
    straight = tuple(np.eye(3).ravel())
    geometry = Geometry((5, 7, 9), (0.9765625, 0.9765625, 3.0), (-250.5, -100.25, 7.5), straight)
    volume = Volume(oblique_volume(0, dtype).array, geometry)
    path = tmp_path / "ct.nii"
    nifti.write(volume, path)
    image = SimpleITK.ReadImage(str(path))
    assert_same_as_itk(volume, image)
    assert SimpleITK.GetArrayViewFromImage(image).dtype == dtype


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "f4", "f8", ">i2", ">f4"])
def test_every_voxel_type(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "ct.nii"
    image = nibabel.Nifti1Image(VOXELS.T.astype(dtype), RAS_OF_LPS)
    if dtype.startswith(">"):
        image = nibabel.Nifti1Image(VOXELS.T.astype(dtype), RAS_OF_LPS, nibabel.Nifti1Header(endianness=">"))
        image.set_data_dtype(dtype)
    nibabel.save(image, path)
    array = nifti.read(path).array
    assert array.dtype == (np.float32 if "f" in dtype else np.int16)
    np.testing.assert_array_equal(array, VOXELS)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [(1, -1024, np.int16), (2, 0, np.int16), (0.5, 3, np.float32), (1, 40000, np.float32)],
)
def test_scaling_is_applied(tmp_path: Path, slope: float, intercept: float, dtype: type) -> None:
    path = tmp_path / "ct.nii"
    write_nibabel(path, np.eye(4), sform=1, qform=1)
    content = bytearray(path.read_bytes())
    struct.pack_into("<2f", content, 112, slope, intercept)
    path.write_bytes(content)
    array = nifti.read(path).array
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, VOXELS.astype(float) * slope + intercept)


def sheared() -> np.ndarray:
    affine = np.eye(4)
    affine[0, 2] = 0.3
    return affine


@pytest.mark.parametrize(
    ("offset", "form", "values", "said"),
    [
        (80, "<f", (0.0,), "spacing of 0 x 1 x 1 mm"),
        (80, "<f", (-1.0,), "spacing of -1"),
        (80, "<f", (float("nan"),), "spacing of nan"),
        (80, "<f", (2.0,), "contradicts"),
        (280, "<4f", (0.0, 0.0, 0.0, 0.0), "contradicts"),
        (280, "<f", (float("nan"),), "contradicts"),
        (252, "<2h", (0, 0), "left and right"),
        (256, "<f", (float("nan"),), "no rotation"),
        (256, "<2f", (1.0, 1.0), "no rotation"),
        (123, "<B", (1,), "millimetres"),
        (70, "<h", (32,), "NIfTI type 32"),
        (70, "<h", (128,), "colour"),
        (40, "<h", (2,), "2D"),
        (40, "<5h", (4, 4, 3, 1, 2), "4D"),
        (40, "<h", (9,), "impossible"),
        (108, "<f", (1e9,), "impossible"),
        (108, "<f", (float("nan"),), "impossible"),
        (42, "<3h", (32767, 32767, 32767), "32767 voxels"),
        (42, "<3h", (800, 800, 800), "cut short: it holds 48 of 1024000000 bytes"),
        (42, "<h", (-4,), "no voxels"),
        (344, "<4s", (b"ni1\0",), "NIfTI-1"),
    ],
)
def test_a_bad_header_is_one_sentence(
    tmp_path: Path, offset: int, form: str, values: tuple[float, ...], said: str
) -> None:
    path = tmp_path / "ct.nii"
    write_nibabel(path, np.eye(4), sform=1, qform=1)
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, offset, *values)
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        nifti.read(path)
    assert "ct.nii" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sheared_affine_is_refused_even_beside_a_good_qform(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOXELS.T, None)
    image.set_qform(np.eye(4), 1)
    image.set_sform(sheared(), 1)
    image.header["pixdim"][3] = np.hypot(1, 0.3)
    nibabel.save(image, tmp_path / "ct.nii")
    with pytest.raises(InputError, match="sheared"):
        nifti.read(tmp_path / "ct.nii")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_cut_short_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ct{suffix}"
    nifti.write(oblique_volume(0), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cut short"):
        nifti.read(path)


def test_one_flipped_bit_in_a_gzip_file(tmp_path: Path) -> None:
    path = tmp_path / "ct.nii.gz"
    nifti.write(oblique_volume(0), path)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        nifti.read(path)


def test_nifti_2_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(VOXELS.T, np.eye(4)), tmp_path / "ct.nii")
    with pytest.raises(InputError, match="NIfTI-1"):
        nifti.read(tmp_path / "ct.nii")


def test_the_real_ct_is_read_as_itk_reads_it(shared_data: Path) -> None:
    path = shared_data / "ct" / "head_neck_shoulders.nii.gz"
    volume = nifti.read(path)
    assert volume.array.dtype == np.int16
    assert_same_as_itk(volume, SimpleITK.ReadImage(str(path)))
    assert to_itk(volume).GetSize() == (512, 512, 186)
