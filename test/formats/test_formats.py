import gzip
import os
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from written_volumes import oblique_volume, to_itk

from hnseg_infer.errors import InputError
from hnseg_infer.formats import ct_file, read_ct, read_labels, stem, write
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
    (tmp_path / "case.nii" / "below").mkdir(parents=True)
    assert stem(tmp_path / "case.nii") == "case.nii"
    assert stem(Path(f"{tmp_path}/case.nii/")) == "case.nii"
    assert stem(tmp_path / "case.nii" / "below" / "..") == "case.nii"
    monkeypatch.chdir(tmp_path / "case.nii")
    assert stem(Path()) == "case.nii"
    assert stem(Path(".")) == "case.nii"
    assert stem(Path("below/.")) == "below"
    assert stem(Path("..")) == tmp_path.name


def test_a_link_is_named_and_read_as_it_was_given(tmp_path: Path) -> None:
    volume = oblique_volume(3)
    for name, suffix, target in (
        ("patient7", ".nii", ".git/annex/MD5E-s12--d41d8c.nii"),
        ("p8", ".nii.gz", "d41d8c"),
        ("p9", ".mha", "cache/ab.nii"),
        ("p10", ".nrrd", "cache/cd"),
    ):
        write(volume, tmp_path / f"written{suffix}")
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"written{suffix}").rename(tmp_path / target)
        link = tmp_path / f"{name}{suffix}"
        link.symlink_to(target)
        assert stem(link) == name
        np.testing.assert_array_equal(read_ct(link).array, volume.array)
    (tmp_path / "given").mkdir()
    (tmp_path / "patient11").symlink_to("given", target_is_directory=True)
    assert stem(tmp_path / "patient11") == "patient11"


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd"])
def test_a_name_that_is_no_utf_8_is_read_or_refused(tmp_path: Path, suffix: str) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path / "ct\udcff") + suffix.encode()))
    volume = oblique_volume(3)
    write(volume, path)
    if suffix == ".nii.gz":
        with pytest.raises(InputError, match="is not UTF-8"):
            read_ct(path)
    else:
        np.testing.assert_array_equal(read_ct(path).array, volume.array)


def test_a_link_to_what_was_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "p8.nii").symlink_to(".git/annex/gone")
    with pytest.raises(InputError, match=r"p8\.nii is a link to a file that is not here"):
        read_ct(tmp_path / "p8.nii")


@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nii.gz", ".nrrd"])
def test_a_folder_with_one_image_is_that_image(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "patient"
    folder.mkdir()
    volume = oblique_volume(3)
    write(volume, folder / f"ct{suffix}")
    (folder / "notes.txt").write_text("no image")
    (folder / f"._ct{suffix}").write_bytes(b"left by a system")
    assert ct_file(folder) == folder / f"ct{suffix}"
    np.testing.assert_array_equal(read_ct(folder).array, volume.array)
    write(volume, folder / "other.nii")
    with pytest.raises(InputError, match=rf"holds 2 images \(ct\{suffix}, other\.nii\); one CT"):
        read_ct(folder)


def test_beside_a_dicom_series_images_do_not_count(tmp_path: Path) -> None:
    write(oblique_volume(3), tmp_path / "mask.mha")
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "1").write_bytes(bytes(128) + b"DICM")
    assert ct_file(tmp_path) == tmp_path


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd"])
def test_a_stream_that_unpacks_to_more_is_not_unpacked_further(tmp_path: Path, suffix: str) -> None:
    """A small volume whose packed voxels are followed by 256 MiB of zeros, in 256 kB."""
    grid = Geometry((3, 4, 5), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    volume = Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), grid)
    path = tmp_path / f"ct{suffix}"
    write(volume, path)
    content = path.read_bytes()
    start = 0 if suffix == ".nii.gz" else content.index(b"LOCAL\n" if suffix == ".mha" else b"\n\n")
    start += {".mha": 6, ".nii.gz": 0, ".nrrd": 2}[suffix]
    kept = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(content[start:])
    bomb = zlib.compressobj(9, wbits=zlib.MAX_WBITS | (0 if suffix == ".mha" else 16))
    packed = bomb.compress(kept) + b"".join(bomb.compress(bytes(2**20)) for _ in range(256)) + bomb.flush()
    path.write_bytes(content[:start] + packed)
    tracemalloc.start()
    try:
        np.testing.assert_array_equal(read_ct(path).array, volume.array)
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


def test_gzip_files_behind_each_other_are_one(tmp_path: Path) -> None:
    volume = oblique_volume(3)
    write(volume, tmp_path / "ct.nii")
    content = (tmp_path / "ct.nii").read_bytes()
    parts = (content[:100], content[100:400], content[400:])
    (tmp_path / "ct.nii.gz").write_bytes(b"".join(gzip.compress(part) for part in parts))
    np.testing.assert_array_equal(read_ct(tmp_path / "ct.nii.gz").array, volume.array)
