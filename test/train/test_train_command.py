"""``hnseg train`` before anything is trained: the list of stages, and what is refused."""

from pathlib import Path

import pytest
from tiny_cohort import write_cohort

from hnseg_infer.cli import main
from hnseg_infer.errors import InputError
from hnseg_train.command import only_one


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("cohort"), cases=2)


def options(cohort: Path, work: Path, *more: str) -> list[str]:
    plan = ["--plan", "check", "--folds", "2", "--device", "cpu"]
    return ["train", "--data", str(cohort), "--work", str(work), *plan, *more]


def test_data_and_samples_are_stages_of_their_own(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    assert main(options(cohort, work, "--only", "preprocess")) == 1
    assert "preprocess needs data-check" in capsys.readouterr().err
    assert main(options(cohort, work, "--only", "data-check", "preprocess")) == 0
    assert {path.name for path in (work / "preprocessed" / "hnseg_3d" / "3d").iterdir()} == {
        f"case_{number}_0{kind}" for number in (1, 2) for kind in (".b2nd", "_seg.b2nd", ".pkl")
    }
    capsys.readouterr()
    assert main(options(cohort, work, "--list")) == 0
    found = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines() if " done " in line]
    assert found == ["data-check", "preprocess"]


def test_faulty_data_ends_the_road_with_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_cohort(tmp_path / "data", cases=2)
    (data / "case_2" / "label.nii.gz").unlink()
    assert main(options(data, tmp_path / "work")) == 1
    said = capsys.readouterr().err
    assert "case_2: missing label" in said
    assert (tmp_path / "work" / "data_check" / "data_check.md").is_file()
    assert not (tmp_path / "work" / "preprocessed").exists()


def test_what_cannot_be_is_refused(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options(cohort, tmp_path, "--only", "lunch")) == 1
    assert "no stage lunch; accepted are data-check" in capsys.readouterr().err
    assert main(options(cohort, tmp_path, "--device", "cuda")) == 1
    assert "no CUDA GPU" in capsys.readouterr().err


def test_one_training_at_a_time(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(InputError, match="Another training"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass
