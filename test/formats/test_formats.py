from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from written_volumes import oblique_volume, to_itk

from hnseg_infer.errors import InputError
from hnseg_infer.formats import read_ct, read_labels, stem, write
from hnseg_infer.volume import Geometry, Volume

WRITTEN = [".mha", ".mhd", ".nii", ".nii.gz", ".nrrd"]


@pytest.mark.parametrize("suffix", [*WRITTEN, ".MHA", ".NII.GZ"])
def test_labels_come_back(tmp_path: Path, suffix: str) -> None:
    labels = oblique_volume(3, np.uint8)
    path = tmp_path / f"mask{suffix}"
    write(labels, path)
    back = read_labels(path)
    assert back.array.dtype == np.uint8
    np.testing.assert_array_equal(back.array, labels.array)


@pytest.mark.parametrize("suffix", WRITTEN)
def test_equal_volumes_give_equal_bytes(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(oblique_volume(3, np.uint8), tmp_path / f"mask{suffix}")
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr("time.time", lambda: 2e9)
    write(oblique_volume(3, np.uint8), tmp_path / f"mask{suffix}")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd"])
def test_labels_are_small(tmp_path: Path, suffix: str) -> None:
    grid = Geometry((5, 70, 90), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    write(Volume(np.zeros(grid.shape, np.uint8), grid), tmp_path / f"mask{suffix}")
    assert (tmp_path / f"mask{suffix}").stat().st_size < 1000


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd"])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"mask{suffix}"
    path.write_bytes(b"old")

    def no_space(source: Path, target: Path) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(OSError, match="no space"):
        write(oblique_volume(0, np.uint8), path)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd"])
def test_a_ct_array_may_be_changed_after_reading(tmp_path: Path, suffix: str) -> None:
    write(oblique_volume(3), tmp_path / f"ct{suffix}")
    array = read_ct(tmp_path / f"ct{suffix}").array
    array[0, 0, 0] = 7
    assert array[0, 0, 0] == 7


@pytest.mark.parametrize(
    ("pixel", "values", "dtype"),
    [
        (SimpleITK.sitkUInt16, (0, 4095), np.int16),
        (SimpleITK.sitkUInt16, (0, 65535), np.float32),
        (SimpleITK.sitkInt32, (-32768, 32767), np.int16),
        (SimpleITK.sitkInt32, (-32769, 0), np.float32),
        (SimpleITK.sitkFloat64, (-1000.5, 3000.25), np.float32),
    ],
)
@pytest.mark.parametrize("suffix", [".mha", ".nii", ".nrrd"])
def test_voxel_types(
    tmp_path: Path, suffix: str, pixel: int, values: tuple[float, float], dtype: type
) -> None:
    image = SimpleITK.Image([4, 3, 2], pixel)
    image[0, 0, 0], image[3, 2, 1] = values
    SimpleITK.WriteImage(image, str(tmp_path / f"ct{suffix}"))
    array = read_ct(tmp_path / f"ct{suffix}").array
    assert array.dtype == dtype
    assert (array[0, 0, 0], array[1, 2, 3]) == values


@pytest.mark.parametrize("suffix", WRITTEN)
def test_images_that_are_no_3d_ct(tmp_path: Path, suffix: str) -> None:
    image = to_itk(oblique_volume(0))
    path = tmp_path / f"ct{suffix}"
    SimpleITK.WriteImage(image[:, :, 0], str(path))
    with pytest.raises(InputError, match="2D image"):
        read_ct(path)
    SimpleITK.WriteImage(SimpleITK.JoinSeries([image, image]), str(path))
    with pytest.raises(InputError, match="4D image of 9 x 7 x 5 x 2"):
        read_ct(path)
    colour = SimpleITK.Compose([SimpleITK.Cast(image, SimpleITK.sitkUInt8)] * 3)
    SimpleITK.WriteImage(colour, str(path))
    with pytest.raises(InputError, match=r"colour|5D"):
        read_ct(path)


@pytest.mark.parametrize("suffix", [*WRITTEN, ".nhdr"])
@pytest.mark.parametrize("content", [b"", b"hello world\n", b"a = b\n" * 5, bytes(range(256)) * 10])
def test_files_that_are_not_what_their_suffix_says(
    tmp_path: Path, suffix: str, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"ct{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"ct{suffix} ") as caught:
        read_ct(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_ct(tmp_path / "ct.mha")
    (tmp_path / "ct.png").touch()
    with pytest.raises(InputError, match=r"ct\.png has an unknown suffix.*\.mha, \.mhd, \.nii"):
        read_ct(tmp_path / "ct.png")
    (tmp_path / "ct.dcm").touch()
    with pytest.raises(InputError, match="give the folder"):
        read_ct(tmp_path / "ct.dcm")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is empty"):
        read_ct(tmp_path / "empty")


@pytest.mark.parametrize("value", [-1, 256, 0.5])
def test_values_that_are_no_labels(tmp_path: Path, value: float) -> None:
    volume = oblique_volume(0, np.float32)
    volume.array[:] = value
    write(volume, tmp_path / "mask.mha")
    with pytest.raises(InputError, match="whole numbers from 0 to 255"):
        read_labels(tmp_path / "mask.mha")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.mha, \.mhd"):
        write(oblique_volume(0), tmp_path / "mask.png")
    with pytest.raises(ValueError, match="float64"):
        write(oblique_volume(0, np.float64), tmp_path / "mask.mha")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.mha", "a"), ("a.b.nii.gz", "a.b"), ("A.NII", "A"), ("a.nrrd", "a"), ("a", "a"), ("a.b", "a.b")],
)
def test_stem(tmp_path: Path, name: str, expected: str) -> None:
    assert stem(tmp_path / name) == expected


def test_stem_of_a_folder_is_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "case.nii").mkdir()
    assert stem(tmp_path / "case.nii") == "case.nii"
    monkeypatch.chdir(tmp_path / "case.nii")
    assert stem(Path()) == "case.nii"
