import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from written_volumes import assert_same_as_itk, rotation

from hnseg_infer.errors import InputError
from hnseg_infer.formats import dicom, metaimage, read_ct

ROWS, COLUMNS, SLICES = 5, 6, 10
SPACING = (0.9765625, 1.25)
AXIAL = np.eye(3)


def slice_hu(number: int) -> np.ndarray:
    """HU of one slice; the file stores them 1024 higher, beside a rescale intercept of -1024."""
    return (np.arange(ROWS * COLUMNS, dtype=np.int16) * 10 + number - 1024).reshape(ROWS, COLUMNS)


def write_slice(
    path: Path, position: Sequence[float], number: int, axes: np.ndarray = AXIAL, **tags: str
) -> None:
    """One CT slice; ``axes`` holds the directions of a row, a column and the normal as columns."""
    image = SimpleITK.GetImageFromArray(slice_hu(number)[None])
    image.SetSpacing((*SPACING, 3.0))
    fields = {
        "0008|0008": "ORIGINAL\\PRIMARY\\AXIAL",
        "0008|0060": "CT",
        "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
        "0008|0018": f"1.2.3.{number + 1}.{abs(hash(str(path))) % 10**8}",
        "0020|000d": "1.2.3.4",
        "0020|000e": "1.2.3.5",
        "0020|0013": str(number),
        "0020|0032": "\\".join(repr(float(value)) for value in position),
        "0020|0037": "\\".join(repr(float(value)) for value in axes[:, :2].T.ravel()),
        "0028|1052": "-1024",
        "0028|1053": "1",
    } | {key.replace("_", "|").removeprefix("t"): value for key, value in tags.items()}
    for key, value in fields.items():
        image.SetMetaData(key, value)
    image.SetOrigin([float(value) for value in position])
    image.SetDirection(axes.ravel().tolist())
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.Execute(image)


def write_series(
    folder: Path,
    *,
    axes: np.ndarray = AXIAL,
    step: float = 3.0,
    place: Callable[[int], Sequence[float]] | None = None,
    count: int = SLICES,
    **tags: str,
) -> Path:
    """A series whose file names run against the slice order, so that names cannot be what orders it."""
    for number in range(count):
        position = place(number) if place else np.array([-10.0, -20.0, -30.0]) + axes[:, 2] * step * number
        write_slice(folder / f"{99 - number:02}.dcm", position, number, axes, **tags)
    return folder


def test_slices_are_stacked_by_position_in_hu(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct")
    volume = dicom.read(folder)
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, np.stack([slice_hu(n) for n in range(SLICES)]))
    stored = np.frombuffer((folder / "99.dcm").read_bytes()[-2 * ROWS * COLUMNS :], "<i2")
    np.testing.assert_array_equal(stored, volume.array[0].ravel() + 1024)
    assert volume.geometry.spacing == (*SPACING, 3.0)
    assert volume.geometry.origin == (-10.0, -20.0, -30.0)
    np.testing.assert_array_equal(volume.geometry.matrix, np.eye(3))


@pytest.mark.parametrize("seed", range(4))
def test_oblique_slices_lie_where_their_headers_say(tmp_path: Path, seed: int) -> None:
    axes = rotation(seed)
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    volume = dicom.read(write_series(tmp_path / "ct", axes=axes))
    for number in (0, 4, SLICES - 1):
        expected = np.array([-10.0, -20.0, -30.0]) + axes[:, 2] * 3.0 * number
        np.testing.assert_allclose(volume.geometry.position((number, 0, 0)), expected, atol=1e-9)
        np.testing.assert_array_equal(volume.array[number], slice_hu(number))
    along_row = volume.geometry.position((0, 0, 1)) - volume.geometry.position((0, 0, 0))
    np.testing.assert_allclose(along_row, axes[:, 0] * SPACING[0], atol=1e-9)


def test_positions_rounded_to_a_tenth_are_a_regular_stack(tmp_path: Path) -> None:
    volume = dicom.read(write_series(tmp_path / "ct", place=lambda n: (0, 0, round(n * 0.625, 1))))
    assert volume.geometry.spacing[2] == pytest.approx(0.625, abs=0.02)


def test_scouts_other_modalities_and_other_files_are_passed_over(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "case")
    write_series(folder / "scout", count=1, t0020_000e="1.2.3.6", t0008_0008="ORIGINAL\\PRIMARY\\LOCALIZER")
    write_series(folder / "long_scout", t0020_000e="1.2.3.7", t0008_0008="ORIGINAL\\PRIMARY\\LOCALIZER")
    write_series(folder / "mr", t0020_000e="1.2.3.8", t0008_0060="MR")
    (folder / "notes.txt").write_text("seen by nobody")
    (folder / "empty.dcm").touch()
    volume = dicom.read(folder)
    assert volume.geometry.shape == (SLICES, ROWS, COLUMNS)
    assert volume.series_uid == "1.2.3.5"


@pytest.mark.parametrize("place", ["series1", "PATIENT/STUDY/SERIES"])
def test_a_series_is_found_at_any_depth(tmp_path: Path, place: str) -> None:
    write_series(tmp_path / "case" / place)
    (tmp_path / "case" / place / "up").symlink_to(tmp_path / "case", target_is_directory=True)
    volume = read_ct(tmp_path / "case")
    assert volume.geometry.shape == (SLICES, ROWS, COLUMNS)
    assert volume.notices == ()


def test_links_to_the_slices_are_read_and_what_they_point_to_is_hidden(tmp_path: Path) -> None:
    kept = write_series(tmp_path / "case" / ".annex")
    for path in kept.iterdir():
        (tmp_path / "case" / f"{path.stem}.link").symlink_to(path)
    volume = read_ct(tmp_path / "case")
    assert volume.geometry.shape == (SLICES, ROWS, COLUMNS)
    assert volume.notices == ()


def test_a_slice_that_was_not_fetched(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "case")
    (folder / "90.dcm").unlink()
    (folder / "90.dcm").symlink_to(".git/annex/gone")
    with pytest.raises(InputError, match=r"90\.dcm is a link to a file that is not here"):
        dicom.read(folder)


def missing_slice(number: int) -> Sequence[float]:
    return (0, 0, 3.0 * (number + (number > 5)))


def uneven_slices(number: int) -> Sequence[float]:
    return (0, 0, 3.0 * number + (0.5 if number == 4 else 0.0))


def repeated_slice(number: int) -> Sequence[float]:
    return (0, 0, 3.0 * (number - (number == 7)))


def tilted_gantry(number: int) -> Sequence[float]:
    return (0, 0.8 * number, 3.0 * number)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (missing_slice, "6.00 mm instead of 3.00 mm between instance 5 (ImagePositionPatient 0\\0\\15) and"),
        (uneven_slices, "3.50 mm instead of 3.00 mm between instance 3 (ImagePositionPatient 0\\0\\9) and"),
        (repeated_slice, "instance 7 (ImagePositionPatient 0\\0\\18) and instance 6 (Image"),
        (tilted_gantry, "tilted gantry"),
    ],
)
def test_an_irregular_stack_is_refused(tmp_path: Path, place: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        dicom.read(write_series(tmp_path / "ct", place=place))
    assert said in str(caught.value)
    assert str(caught.value).startswith("ct ")


def test_a_gap_in_a_tilted_series_is_named_as_in_the_headers(tmp_path: Path) -> None:
    c, s = float(np.cos(np.radians(20))), float(np.sin(np.radians(20)))
    axes = np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])
    folder = write_series(tmp_path / "ct", axes=axes, t0020_1041="77.5")
    (folder / "95.dcm").unlink()
    with pytest.raises(InputError, match=r"6\.00 mm instead of 3\.00 mm") as caught:
        dicom.read(folder)
    for number in (3, 5):
        header = SimpleITK.ImageFileReader()
        header.SetFileName(str(folder / f"{99 - number:02}.dcm"))
        header.ReadImageInformation()
        position = header.GetMetaData("0020|0032").strip()
        expected = f"instance {number} (ImagePositionPatient {position}, SliceLocation 77.5)"
        assert expected in str(caught.value)


def test_copies_of_slices_are_left_out(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct")
    expected = dicom.read(folder)
    assert expected.notices == ()
    shutil.copytree(folder, folder / "again")
    (folder / "again" / "97.dcm").unlink()
    # the same slice under another name and number, so not byte for byte
    write_slice(folder / "renumbered.dcm", (-10.0, -20.0, -30.0), 0, t0020_0013="800")
    volume = dicom.read(folder)
    np.testing.assert_array_equal(volume.array, expected.array)
    assert volume.geometry == expected.geometry
    assert [notice.code for notice in volume.notices] == ["duplicate_slices"]
    assert f": {SLICES}." in volume.notices[0].message


def test_one_voxel_more_is_no_copy(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct")
    content = bytearray((folder / "95.dcm").read_bytes())
    content[-2] ^= 1
    (folder / "other.dcm").write_bytes(content)
    with pytest.raises(InputError, match=r"different slices at one place: instance 4 .* and instance 4 "):
        dicom.read(folder)


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        ("t0020_0032", "nan\\0\\0", "where its slices lie"),
        ("t0020_0032", "0\\0", "where its slices lie"),
        ("t0020_0032", "0\\0\\1e30", "where its slices lie"),
        ("t0020_0037", "1\\0\\0\\1\\0\\0", "perpendicular"),
        ("t0020_0037", "2\\0\\0\\0\\2\\0", "perpendicular"),
        ("t0028_1053", "0", "rescale slope"),
        ("t0028_1052", "none", "rescale slope"),
    ],
)
def test_headers_that_place_or_scale_no_slice(tmp_path: Path, tag: str, value: str, said: str) -> None:
    folder = write_series(tmp_path / "ct")
    for path in folder.iterdir():
        replace_text(path, tag, value)
    with pytest.raises(InputError, match=said):
        dicom.read(folder)


def replace_text(path: Path, tag: str, value: str) -> None:
    """Puts a text into an element that the file has, in implicit little endian (a length of four bytes)."""
    group, element = (int(word, 16) for word in tag[1:].split("_"))
    content = path.read_bytes()
    at = content.index(struct.pack("<2H", group, element))
    (length,) = struct.unpack_from("<I", content, at + 4)
    text = value.encode() + b" " * (len(value) % 2)
    path.write_bytes(content[: at + 4] + struct.pack("<I", len(text)) + text + content[at + 8 + length :])


def test_two_ct_series_are_listed(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "case", t0008_103e="planning")
    write_series(folder / "other", t0020_000e="1.2.3.9", t0008_103e="follow-up", count=12)
    with pytest.raises(InputError, match="holds 2 CT series") as caught:
        dicom.read(folder)
    assert "CT 'planning' of 10 file(s); CT 'follow-up' of 12 file(s) in other" in str(caught.value)


def test_slices_of_one_series_in_two_directions(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "case")
    write_slice(folder / "a.dcm", (0, 0, 90), 50, AXIAL[:, [1, 0, 2]] * (1, 1, -1))
    with pytest.raises(InputError, match="differ in grid or scale"):
        dicom.read(folder)


def test_a_folder_without_a_ct(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="folder empty is empty"):
        dicom.read(tmp_path / "empty")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.dcm").write_text("hello")
    with pytest.raises(InputError, match="no DICOM images"):
        dicom.read(tmp_path / "text")
    with pytest.raises(InputError, match=r"no CT series of 8 or more .* MR 't1' of 10 file"):
        dicom.read(write_series(tmp_path / "mr", t0008_0060="MR", t0008_103e="t1"))


def test_a_cut_short_slice(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct")
    path = folder / "95.dcm"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"95\.dcm is a DICOM file that is damaged, cut short"):
        dicom.read(folder)


def test_the_real_series_and_its_copy_as_mha_have_one_geometry(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "ct" / "head_neck_dicom"
    volume = dicom.read(folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    assert volume.array.dtype == np.int16
    assert_same_as_itk(volume, image)
    metaimage.write(volume, tmp_path / "ct.mha")
    assert_same_as_itk(volume, SimpleITK.ReadImage(str(tmp_path / "ct.mha")))
    assert metaimage.read(tmp_path / "ct.mha").geometry == volume.geometry
