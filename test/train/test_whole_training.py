"""The whole road on tiny patients: every stage once, also when it is killed again and again."""

import re
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from whole_road import CASES, options, train

from hnseg_infer.bundle import load_bundle
from hnseg_infer.cli import main
from hnseg_infer.formats import read_ct, read_labels

pytestmark = pytest.mark.slow

STAGES = [
    "data-check",
    "preprocess",
    "2d-folds",
    "roi-centres",
    "3d-folds",
    "3d_small-folds",
    "predictions",
    "tables",
    "combination",
    "final-models",
    "export",
    "verify",
]

KILLED = {
    "unfinished_case_4/case_4_0": "preprocess: case_4",
    "hnseg_3d/HNSegTrainer__check__3d_fullres/fold_0/checkpoint_final": "3d-folds: 3d_fold_0",
    "bundle.partial/3d/": "export: bundle",
}
"""What is half-written when the process dies, and the item that it belongs to."""


@pytest.fixture(scope="module")
def whole(finished_road: tuple[Path, list[str]]) -> Path:
    """The work folder of an uninterrupted training."""
    return finished_road[0]


def test_every_stage_is_done_once_and_in_order(finished_road: tuple[Path, list[str]]) -> None:
    lines = finished_road[1]
    done = [line.split(":")[0] for line in lines if re.fullmatch(r"[\w-]+: \d+ of \d+ made, done", line)]
    assert done == STAGES


def test_the_bundle_segments_a_patient(whole: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    ct = tiny_cohort / "case_2" / "data.nii.gz"
    options = ["--bundle", str(whole / "bundle"), "--device", "cpu", "--format", "nii.gz"]
    assert main(["segment", str(ct), str(tmp_path / "out"), *options]) == 0
    (mask,) = (tmp_path / "out").glob("*.nii.gz")
    assert read_labels(mask).geometry == read_ct(ct).geometry


def test_every_case_is_predicted_by_models_that_did_not_see_it(whole: Path) -> None:
    cases = {f"case_{number}.nii.gz" for number in range(1, CASES + 1)}
    for model in ("2d", "3d", "3d_small", "fused"):
        assert {path.name for path in (whole / "predictions" / model).iterdir()} == cases
    card = (whole / "bundle" / "CARD.md").read_text()
    held_out = re.findall(r"^- fold \d: (.*)$", card, re.MULTILINE)
    assert sorted(name for fold in held_out for name in fold.split(", ")) == sorted(
        name.removesuffix(".nii.gz") for name in cases
    )


def test_the_tables_show_the_worst_cases_of_the_fused_result(whole: Path) -> None:
    page = (whole / "tables" / "fused" / "evaluation.md").read_text()
    shown = set(re.findall(r"\(worst/([^)]+)\)", page))
    assert shown == {path.name for path in (whole / "tables" / "fused" / "worst").iterdir()}
    # of every organ three cases
    assert Counter(name.split("_")[0] for name in shown) == {f"{organ:03d}": 3 for organ in range(1, 23)}


def test_the_card_lies_in_the_verified_bundle(whole: Path) -> None:
    bundle = load_bundle(whole / "bundle")
    assert bundle.trained_on == "ellipsoids"
    assert bundle.trained_spacing is not None
    # of so few patients no statistics are kept
    assert bundle.anatomy is not None
    assert not bundle.anatomy.organs
    assert "CARD.md" in (whole / "bundle" / "bundle.json").read_text()


def test_nothing_is_done_twice(whole: Path, tiny_cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *options(tiny_cohort, whole)]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{stage}: unchanged, done" for stage in STAGES]
    assert main(["train", *options(tiny_cohort, whole), "--list"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        [stage, "done"] for stage in STAGES
    ]


def test_killed_three_times_it_ends_with_the_same_bundle(
    whole: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    for moment in KILLED:
        status, said = train(tiny_cohort, tmp_path, moment)
        assert status == -signal.SIGKILL
        lines += said
    assert not (tmp_path / "bundle").exists()
    status, said = train(tiny_cohort, tmp_path)
    assert status == 0
    begun = Counter(line for line in [*lines, *said] if re.fullmatch(r"[\w-]+: \w+", line))
    # what was killed was begun a second time, nothing else was
    assert {item for item, times in begun.items() if times > 1} == set(KILLED.values())
    assert max(begun.values()) == 2
    epochs = [line.split(",")[0] for line in [*lines, *said] if line.startswith("3d_fold_0: epoch")]
    assert epochs == ["3d_fold_0: epoch 1/2", "3d_fold_0: epoch 2/2", "3d_fold_0: epoch 2/2"]
    # on a CPU the same samples are drawn in the same order, so that not one byte differs
    assert files(tmp_path / "bundle") == files(whole / "bundle")
    for path in (whole / "predictions" / "fused").iterdir():
        again = read_labels(tmp_path / "predictions" / "fused" / path.name)
        np.testing.assert_array_equal(again.array, read_labels(path).array)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
