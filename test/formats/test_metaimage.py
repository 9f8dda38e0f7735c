from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from written_volumes import assert_same_as_itk, oblique_volume, to_itk

from hnseg_infer.errors import InputError
from hnseg_infer.formats import metaimage

HEADER = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\n"
    "BinaryDataByteOrderMSB = False\nCompressedData = False\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 3\nDimSize = 4 3 2\n"
    "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)
VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)


def write_header(path: Path, old: str = "", new: str = "", voxels: bytes = VOXELS.tobytes()) -> Path:
    assert old in HEADER
    path.write_bytes(HEADER.replace(old, new).encode() + voxels)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@pytest.mark.parametrize("seed", range(5))
def test_itk_reads_what_was_written(tmp_path: Path, seed: int, suffix: str, dtype: type) -> None:
    volume = oblique_volume(seed, dtype)
    path = tmp_path / f"ct{suffix}"
    metaimage.write(volume, path)
    image = SimpleITK.ReadImage(str(path))
    assert_same_as_itk(volume, image)
    assert SimpleITK.GetArrayViewFromImage(image).dtype == dtype
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@pytest.mark.parametrize("seed", range(5))
def test_what_itk_wrote_is_read(tmp_path: Path, seed: int, suffix: str, compressed: bool) -> None:
    image = to_itk(oblique_volume(seed))
    path = tmp_path / f"ct{suffix}"
    SimpleITK.WriteImage(image, str(path), compressed)
    assert_same_as_itk(metaimage.read(path), image)


def test_big_endian_voxels(tmp_path: Path) -> None:
    path = write_header(tmp_path / "ct.mha", "MSB = False", "MSB = True", VOXELS.astype(">i2").tobytes())
    np.testing.assert_array_equal(metaimage.read(path).array, VOXELS)


def test_voxels_behind_a_header_in_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "ct.raw").write_bytes(b"12345" + VOXELS.tobytes())
    data_file = "HeaderSize = 5\nElementDataFile = ct.raw"
    path = write_header(tmp_path / "ct.mhd", "ElementDataFile = LOCAL", data_file, b"")
    np.testing.assert_array_equal(metaimage.read(path).array, VOXELS)


def test_fourth_axis_of_length_one_is_dropped(tmp_path: Path) -> None:
    volume = oblique_volume(1)
    path = tmp_path / "ct.mha"
    SimpleITK.WriteImage(SimpleITK.JoinSeries([to_itk(volume)]), str(path))
    assert_same_as_itk(metaimage.read(path), to_itk(volume))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ElementSpacing = 1 1 3", "ElementSpacing = 0 1 3", "spacing"),
        ("ElementSpacing = 1 1 3", "ElementSpacing = -1 1 3", "spacing"),
        ("ElementSpacing = 1 1 3", "ElementSpacing = nan 1 3", "finite"),
        ("ElementSpacing = 1 1 3", "ElementSpacing = 1 1", "ElementSpacing"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0.3 1", "perpendicular"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 0 0 0 0 0 1", "perpendicular"),
        ("1 0 0 0 1 0 0 0 1", "1e308 0 0 0 1 0 0 0 1", "perpendicular"),
        ("DimSize = 4 3 2", "DimSize = 4 3", "DimSize"),
        ("DimSize = 4 3 2", "DimSize = 4 3 x", "header"),
        ("DimSize = 4 3 2", "DimSize = 4 3 3", "cut short"),
        ("DimSize = 4 3 2", "DimSize = 0 3 2", "no voxels"),
        ("MET_SHORT", "MET_STRING", "MET_STRING"),
        ("ElementType", "ElementNumberOfChannels = 3\nElementType", "colour"),
        ("= LOCAL", "= LIST", "one binary file"),
        ("= LOCAL", "= gone.raw", "gone.raw"),
        ("CompressedData = False", "CompressedData = True", "damaged"),
        ("ElementType = MET_SHORT\nElementDataFile", "ElementType", "no MetaImage header|not understood"),
        ("DimSize = 4 3 2", "DimSize = 2147483647 2147483647 2147483647", "2147483647 voxels"),
        ("DimSize = 4 3 2", "DimSize = 4294967296 4294967296 1", "4294967296 x 1 voxels"),
        ("DimSize = 4 3 2", "DimSize = 800 800 800", "cut short: it holds 48 of 1024000000 bytes"),
        ("DimSize = 4 3 2", "DimSize = " + "9" * 4000 + " 1 1", "too many digits"),
        ("ElementSpacing = 1 1 3", "ElementSpacing = 1e308 1 3", "beyond 1 km"),
        ("ElementType", "HeaderSize = -2\nElementType", "HeaderSize"),
        ("ElementType", "HeaderSize = x\nElementType", "header"),
        ("ElementType", "HeaderSize = 9999999999\nElementType", "cut short"),
        ("= LOCAL", "= ", "as the file of its voxels|missing"),
        ("= LOCAL", "= a\0b", "as the file of its voxels"),
    ],
)
def test_a_bad_header_is_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write_header(tmp_path / "ct.mha", old, new)
    with pytest.raises(InputError, match=said) as caught:
        metaimage.read(path)
    assert "ct.mha" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["{folder}/ct.raw", "../ct.raw", "below/../../ct.raw"])
def test_no_header_reads_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "ct.raw").write_bytes(VOXELS.tobytes())
    (tmp_path / "case" / "below").mkdir(parents=True)
    path = write_header(tmp_path / "case" / "ct.mhd", "LOCAL", name.format(folder=tmp_path), b"")
    with pytest.raises(InputError, match="one beside it or below is accepted"):
        metaimage.read(path)
    (tmp_path / "ct.raw").rename(tmp_path / "case" / "below" / "ct.raw")
    write_header(path, "LOCAL", "below/ct.raw", b"")
    np.testing.assert_array_equal(metaimage.read(path).array, VOXELS)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_cut_short_file(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "ct.mha"
    SimpleITK.WriteImage(to_itk(oblique_volume(0)), str(path), compressed)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="cut short"):
        metaimage.read(path)


def test_one_flipped_bit_in_compressed_voxels(tmp_path: Path) -> None:
    path = tmp_path / "ct.mha"
    metaimage.write(oblique_volume(0), path)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        metaimage.read(path)
