"""Which CT is found in an input folder, and what is said when there is none or several."""

import json
from pathlib import Path

import pytest

from hnseg_infer.ct_folder import find_ct
from hnseg_infer.errors import InputError

DICOM_FILE = bytes(128) + b"DICM"


def put(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.mha", "a.nii", "a b.nii.gz", "A.MHA", "a.nrrd"])
@pytest.mark.parametrize("slug", ["ct", "head-ct"])
def test_the_one_image_is_found_whatever_its_slug(tmp_path: Path, slug: str, name: str) -> None:
    image = put(tmp_path / "images" / slug / name)
    assert find_ct(tmp_path, "ct") == image


def test_a_header_with_its_data_file_is_one_image(tmp_path: Path) -> None:
    put(tmp_path / "a.raw")
    image = put(tmp_path / "a.mhd")
    assert find_ct(tmp_path, "ct") == image


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    put(tmp_path / "images" / "ct" / "._a.mha")
    image = put(tmp_path / "images" / "ct" / "a.mha")
    assert find_ct(tmp_path, "ct") == image


def test_a_plain_folder_with_one_image(tmp_path: Path) -> None:
    image = put(tmp_path / "patient.nii.gz")
    assert find_ct(tmp_path, "ct") == image


@pytest.mark.parametrize("file", ["I0001", "1.2.3.dcm"])
@pytest.mark.parametrize("place", [".", "series", "images/ct", "images/ct/series", "patient/study/series"])
def test_a_dicom_series_is_its_folder(tmp_path: Path, place: str, file: str) -> None:
    put(tmp_path / place / file, DICOM_FILE)
    put(tmp_path / place / "DICOMDIR", DICOM_FILE)
    put(tmp_path / place / "readme.txt", b"no image")
    assert find_ct(tmp_path, "ct") == tmp_path / place


def test_the_configured_slug_wins_over_inputs_json(tmp_path: Path) -> None:
    put(tmp_path / "images" / "mr" / "a.mha")
    put(tmp_path / "inputs.json", json.dumps([{"socket": {"slug": "mr"}}]).encode())
    image = put(tmp_path / "images" / "ct" / "b.mha")
    assert find_ct(tmp_path, "ct") == image


@pytest.mark.parametrize("key", ["socket", "interface"])
def test_inputs_json_decides_between_other_slugs(tmp_path: Path, key: str) -> None:
    put(tmp_path / "images" / "dose" / "a.mha")
    wanted = put(tmp_path / "images" / "planning-ct" / "b.mha")
    items = [{key: {"slug": "planning-ct"}}, {key: {"slug": "age-in-months"}}]
    put(tmp_path / "inputs.json", json.dumps(items).encode())
    assert find_ct(tmp_path, "ct") == wanted


@pytest.mark.parametrize("content", [b"{", b"[3]", b"{}", b'[{"socket": null}]', b"\xff"])
def test_a_foreign_inputs_json_is_passed_over(tmp_path: Path, content: bytes) -> None:
    image = put(tmp_path / "images" / "any" / "a.mha")
    put(tmp_path / "inputs.json", content)
    assert find_ct(tmp_path, "ct") == image


def test_several_slugs_and_no_hint(tmp_path: Path) -> None:
    for slug in ("dose", "planning-ct"):
        put(tmp_path / "images" / slug / "a.mha")
    with pytest.raises(InputError, match=r"several names \(dose, planning-ct\).*HNSEG_INPUT_SLUG"):
        find_ct(tmp_path, "ct")


def test_two_images(tmp_path: Path) -> None:
    put(tmp_path / "images" / "ct" / "a.mha")
    put(tmp_path / "images" / "ct" / "b.nii.gz")
    with pytest.raises(InputError, match=r"holds 2 images \(a\.mha, b\.nii\.gz\)"):
        find_ct(tmp_path, "ct")


def test_of_several_dicom_folders_the_reader_tells_the_ct(tmp_path: Path) -> None:
    put(tmp_path / "scout" / "1.dcm", DICOM_FILE)
    put(tmp_path / "study" / "series" / "1.dcm", DICOM_FILE)
    assert find_ct(tmp_path, "ct") == tmp_path


def test_an_image_beside_a_dicom_series(tmp_path: Path) -> None:
    put(tmp_path / "a.mha")
    put(tmp_path / "series" / "1.dcm", DICOM_FILE)
    with pytest.raises(InputError, match=r"holds 2 images \(a\.mha, series\)"):
        find_ct(tmp_path, "ct")


@pytest.mark.parametrize("folder", [".", "images", "images/ct"])
def test_an_empty_folder(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    with pytest.raises(InputError, match=r"holds no CT \(found: nothing\)|holds no CT \(found: ct\)"):
        find_ct(tmp_path, "ct")


def test_no_image_among_the_files_names_them(tmp_path: Path) -> None:
    for number in range(7):
        put(tmp_path / f"{number}.png")
    with pytest.raises(InputError, match=r"found: 0\.png, 1\.png, 2\.png, 3\.png, 4\.png and 2 more"):
        find_ct(tmp_path, "ct")


def test_a_folder_that_links_to_itself_is_entered_once(tmp_path: Path) -> None:
    put(tmp_path / "series" / "1.dcm", DICOM_FILE)
    (tmp_path / "series" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert find_ct(tmp_path, "ct") == tmp_path / "series"


def test_an_archive_is_not_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnseg_infer.formats.folders.MOST_ENTRIES", 5)
    for number in range(3):
        put(tmp_path / str(number) / "notes.txt")
    with pytest.raises(InputError, match="more than 5 files and folders"):
        find_ct(tmp_path, "ct")


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        find_ct(tmp_path / "nowhere", "ct")
