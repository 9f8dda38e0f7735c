"""The training container's entry point and pins, without a container."""

import os
import runpy
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ENTRY: dict[str, Any] = runpy.run_path(str(ROOT / "training" / "train.py"))
main: Callable[[list[str]], int] = ENTRY["main"]
cases_folder: Callable[[Path], Path] = ENTRY["cases_folder"]


def put_case(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "data.nii.gz").touch()


def test_cases_are_found_in_the_folder_or_one_deeper(tmp_path: Path) -> None:
    put_case(tmp_path / "HaN_OAR" / "1")
    put_case(tmp_path / "HaN_OAR" / "2")
    assert cases_folder(tmp_path) == cases_folder(tmp_path / "HaN_OAR") == tmp_path / "HaN_OAR"


def test_of_two_folders_with_cases_none_is_guessed(tmp_path: Path) -> None:
    put_case(tmp_path / "HaN_OAR" / "1")
    put_case(tmp_path / "other" / "1")
    assert cases_folder(tmp_path) == tmp_path


def test_help_names_the_folders(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "/work/bundle" in said
    assert "--plan" in said


def test_an_empty_input_ends_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--work", str(tmp_path / "work")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"hnseg-train: No case was found in {tmp_path}; ")
    assert said.count("\n") == 1


def test_a_cohort_file_takes_the_place_of_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cohort.yaml").write_text("sources: {a: {folder: cases}}")
    assert main(["--cohort", str(tmp_path / "cohort.yaml"), "--work", str(tmp_path / "work")]) == 1
    assert f"{tmp_path / 'cases'} is not a folder" in capsys.readouterr().err


def test_a_work_folder_of_another_user_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # root, as which tests may run, could write anywhere
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    assert main(["--data", str(tmp_path), "--work", str(tmp_path / "work")]) == 1
    assert f"may not write to {tmp_path / 'work'}; mount a folder" in capsys.readouterr().err


def pins(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_the_container_trains_with_what_the_tests_run_on() -> None:
    training = pins(ROOT / "training" / "requirements.txt")
    assert training == {name: version(name) for name in training}
    assert not training.keys() & pins(ROOT / "requirements.txt").keys()
