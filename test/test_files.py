"""Outputs that appear complete or not at all, on disks that are full and in folders that take no file."""

import errno
from pathlib import Path

import pytest
from little_room import ROOM, little_room

from hnseg_infer.errors import HNSegError
from hnseg_infer.files import output_folder, write_together, write_whole


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "mask.mha"
    write_whole(path, [b"a" * ROOM])
    with little_room(), pytest.raises(OSError, match=r"/mask\.mha") as caught:
        write_whole(path, [b"b" * ROOM, b"b"])
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"a" * ROOM
    assert contents(tmp_path) == ["mask.mha"]


@pytest.mark.parametrize("there_before", [False, True])
def test_files_that_belong_together_are_all_new_or_none(tmp_path: Path, there_before: bool) -> None:
    mask, report = tmp_path / "ct.mha", tmp_path / "ct.json"
    if there_before:
        for path in (mask, report):
            path.write_text("old")
    files = {
        mask: lambda path: write_whole(path, [b"new"]),
        report: lambda path: write_whole(path, [b"n" * (ROOM + 1)]),
    }
    unwritable = r"The output folder .* cannot be written \(File too large\)\."
    with little_room(), pytest.raises(HNSegError, match=unwritable):
        write_together(tmp_path, files)
    assert contents(tmp_path) == (["ct.json", "ct.mha"] if there_before else [])
    assert all(path.read_text() == "old" for path in tmp_path.iterdir())

    files[report] = lambda path: write_whole(path, [b"new"])
    write_together(tmp_path, files)
    assert contents(tmp_path) == ["ct.json", "ct.mha"]
    assert all(path.read_text() == "new" for path in tmp_path.iterdir())


def test_a_place_that_is_taken_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "ct.json").mkdir()
    files = {tmp_path / name: lambda path: write_whole(path, [b"new"]) for name in ("ct.mha", "ct.json")}
    with pytest.raises(HNSegError, match="Is a directory"):
        write_together(tmp_path, files)
    assert contents(tmp_path) == ["ct.json"]


def test_writers_keep_the_suffix_they_choose_a_format_by(tmp_path: Path) -> None:
    seen = []

    def write(path: Path) -> None:
        seen.append(path.suffixes[-2:])
        path.touch()

    write_together(tmp_path, {tmp_path / "ct.nii.gz": write})
    assert seen == [[".nii", ".gz"]]


def test_a_folder_is_made_and_after_a_failure_removed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with pytest.raises(KeyboardInterrupt), output_folder(folder):
        raise KeyboardInterrupt
    assert contents(tmp_path) == []
    with output_folder(folder):
        assert contents(folder) == []
    assert folder.is_dir()


def test_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "other.mha").touch()
    with pytest.raises(ValueError, match="bug"), output_folder(tmp_path):
        raise ValueError("bug")
    assert contents(tmp_path) == ["other.mha"]


def test_a_folder_that_takes_no_file_is_said_at_once(locked_folder: Path) -> None:
    for folder in (locked_folder, locked_folder / "new"):
        said = f"The output folder {folder} cannot be written"
        with pytest.raises(HNSegError, match=said), output_folder(folder):
            pytest.fail("the folder cannot be written")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder, reason in ((file, "it is a file"), (file / "in", "Not a directory")):
        with pytest.raises(HNSegError, match=reason), output_folder(folder):
            pytest.fail("the folder cannot be made")
