from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from written_volumes import assert_same_as_itk, oblique_volume, to_itk

from hnseg_infer.errors import InputError
from hnseg_infer.formats import nrrd

HEADER = (
    "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n"
    "space directions: (1,0,0) (0,1,0) (0,0,3)\nkinds: domain domain domain\nendian: little\n"
    "encoding: raw\nspace origin: (10,20,30)\n\n"
)
VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)


def write_header(path: Path, old: str = "", new: str = "") -> Path:
    assert old in HEADER
    path.write_bytes(HEADER.replace(old, new).encode() + VOXELS.tobytes())
    return path


@pytest.mark.parametrize("seed", range(20))
def test_what_was_written_comes_back_within_the_last_digit(tmp_path: Path, seed: int) -> None:
    volume = oblique_volume(seed, np.uint8)
    path = tmp_path / "mask.nrrd"
    nrrd.write(volume, path)
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(SimpleITK.GetArrayViewFromImage(image), volume.array)
    assert image.GetOrigin() == volume.geometry.origin
    np.testing.assert_allclose(image.GetSpacing(), volume.geometry.spacing, rtol=4e-16)
    np.testing.assert_allclose(image.GetDirection(), volume.geometry.direction, rtol=1e-15, atol=4e-16)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("seed", range(20))
def test_a_grid_from_nrrd_survives_nrrd_to_the_last_digit(tmp_path: Path, seed: int) -> None:
    source, copy = tmp_path / "ct.nrrd", tmp_path / "copy.nrrd"
    SimpleITK.WriteImage(to_itk(oblique_volume(seed)), str(source))
    volume = nrrd.read(source)
    assert_same_as_itk(volume, SimpleITK.ReadImage(str(source)))
    nrrd.write(volume, copy)
    assert_same_as_itk(volume, SimpleITK.ReadImage(str(copy)))


def test_ras_becomes_lps(tmp_path: Path) -> None:
    path = write_header(tmp_path / "ct.nrrd", "left-posterior-superior", "right-anterior-superior")
    geometry = nrrd.read(path).geometry
    assert geometry.origin == (-10.0, -20.0, 30.0)
    np.testing.assert_array_equal(geometry.matrix, np.diag([-1.0, -1.0, 1.0]))


def test_header_and_voxels_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "ct.raw").write_bytes(VOXELS.tobytes())
    path = tmp_path / "ct.nhdr"
    path.write_text(HEADER.replace("encoding: raw", "encoding: raw\ndata file: ct.raw"))
    np.testing.assert_array_equal(nrrd.read(path).array, VOXELS)
    (tmp_path / "ct.raw").unlink()
    with pytest.raises(InputError, match="data file is missing"):
        nrrd.read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("NRRD0004\n", "hello\n", "no NRRD header"),
        ("(1,0,0)", "(0,0,0)", "spacing of 0 x 1 x 3 mm"),
        ("(0,0,3)", "(0,1,3)", "perpendicular"),
        ("space: left-posterior-superior", "space: scanner-xyz", "left and right"),
        ("sizes: 4 3 2", "sizes: 4 3 9", "cut short"),
        ("kinds: domain domain domain", "kinds: domain domain", "damaged"),
        ("sizes: 4 3 2\n", "", "sizes"),
        ("sizes: 4 3 2", "sizes: 4 3 2147483648", "2147483648 voxels"),
        ("sizes: 4 3 2", "sizes: 800 800 800", "cut short"),
        ("type: short", "type: block", "type block"),
        ("endian: little\n", "", "endian"),
        ("encoding: raw", "encoding: ascii", "raw or gzip in one file"),
        ("encoding: raw", "encoding: raw\ndata file: LIST", "raw or gzip in one file"),
        ("encoding: raw", "encoding: raw\nline skip: 1", "skip"),
        ("encoding: raw", "encoding: raw\nbyte skip: -2", "skip"),
        ("encoding: raw", "encoding: raw\nencoding: raw", "twice"),
        ("(1,0,0)", "(1,0)", "3 numbers"),
        ("(1,0,0)", "(nan,0,0)", "spacing of nan"),
        ("(10,20,30)", "(1e308,20,30)", "beyond 1 km"),
    ],
)
def test_a_bad_header_is_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write_header(tmp_path / "ct.nrrd", old, new)
    with pytest.raises(InputError, match=said) as caught:
        nrrd.read(path)
    assert "ct.nrrd" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["{folder}/ct.raw", "../ct.raw"])
def test_no_header_reads_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "ct.raw").write_bytes(VOXELS.tobytes())
    (tmp_path / "case").mkdir()
    text = HEADER.replace("encoding: raw", f"encoding: raw\ndata file: {name.format(folder=tmp_path)}")
    (tmp_path / "case" / "ct.nhdr").write_text(text)
    with pytest.raises(InputError, match="one beside it or below is accepted"):
        nrrd.read(tmp_path / "case" / "ct.nhdr")


@pytest.mark.parametrize(("skip", "before"), [(5, b"12345"), (-1, b"1234567")])
def test_bytes_before_the_voxels_are_skipped(tmp_path: Path, skip: int, before: bytes) -> None:
    (tmp_path / "ct.raw").write_bytes(before + VOXELS.tobytes())
    path = tmp_path / "ct.nhdr"
    path.write_text(HEADER.replace("encoding: raw", f"encoding: raw\nbyteskip: {skip}\ndata file: ./ct.raw"))
    assert_same_as_itk(nrrd.read(path), SimpleITK.ReadImage(str(path)))


@pytest.mark.parametrize("name", ["signed char", "uchar", "unsigned short", "int32", "longlong", "double"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_every_voxel_type_is_read_as_itk_reads_it(tmp_path: Path, name: str, order: str) -> None:
    path = tmp_path / "ct.nrrd"
    content = HEADER.replace("short", name).replace("little", order).encode() + bytes(range(192))
    path.write_bytes(content)
    expected = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(nrrd.read(path).array, expected.astype(np.float32))


def test_without_a_coordinate_system(tmp_path: Path) -> None:
    header = "NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nendian: little\nencoding: raw\n\n"
    (tmp_path / "ct.nrrd").write_bytes(header.encode() + VOXELS.tobytes())
    with pytest.raises(InputError, match="left and right"):
        nrrd.read(tmp_path / "ct.nrrd")


def test_one_flipped_bit_in_gzip_voxels(tmp_path: Path) -> None:
    path = tmp_path / "ct.nrrd"
    nrrd.write(oblique_volume(0), path)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        nrrd.read(path)
