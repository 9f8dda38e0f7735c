"""A cohort file: sources, their cases, and what is refused."""

from pathlib import Path

import pytest

from hnseg_infer.errors import InputError
from hnseg_train.cohort import cohort_cases, read_cohort

WHOLE = """
sources:
  atlas:
    folder: drafts
    share: 2
    variants: 12
  real:
    folder: ../open
    spacing: [3, 1, 1]
    contoured: [brain_stem, mandible_left]
    cases: 2
"""


def cohort(folder: Path, text: str) -> Path:
    path = folder / "cohort.yaml"
    path.write_text(text)
    return path


def make_cases(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        for file in ("data.nii.gz", "label.nii.gz"):
            (folder / name / file).touch()


def test_what_a_cohort_says(tmp_path: Path) -> None:
    atlas, real = read_cohort(cohort(tmp_path, WHOLE))
    assert (atlas.name, atlas.folder, atlas.share, atlas.variants) == ("atlas", tmp_path / "drafts", 2.0, 12)
    assert (atlas.spacing, atlas.contoured, atlas.most_cases) == (None, None, None)
    assert (real.share, real.spacing, real.most_cases) == (1.0, (3.0, 1.0, 1.0), 2)
    assert real.contoured == ("brain_stem", "mandible_left")


def test_cases_of_all_sources_as_many_as_wanted(tmp_path: Path) -> None:
    make_cases(tmp_path / "a" / "drafts", "1", "2")
    make_cases(tmp_path / "open", *"123456")
    sources = read_cohort(cohort(tmp_path / "a", WHOLE))
    found = cohort_cases(sources)
    assert [name for name in found if name.startswith("atlas")] == ["atlas_1", "atlas_2"]
    assert len([name for name in found if name.startswith("real_")]) == 2
    # which ones does not depend on what else is there but by their own names
    (tmp_path / "open" / "7").mkdir()
    assert cohort_cases(sources) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources: [", "cannot be read as a cohort"),
        ("folders: {}", "cannot be read as a cohort"),
        ("sources: {}", "no sources"),
        ("sources: {a: {share: 1}}", "no folder"),
        ("sources: {a_b: {folder: x}}", "letters, digits and hyphens"),
        ("sources: {a: {folder: x, weight: 1}}", "key weight; accepted are folder, share"),
        ("sources: {a: {folder: x, share: 0}}", "share 0; accepted: a positive number"),
        ("sources: {a: {folder: x, share: .nan}}", "share nan"),
        ("sources: {a: {folder: x, variants: -1}}", "variants -1; accepted: 0 or more"),
        ("sources: {a: {folder: x, cases: 0}}", "cases 0; accepted: 1 or more"),
        ("sources: {a: {folder: x, spacing: [3, 1]}}", "three mm"),
        ("sources: {a: {folder: x, contoured: brain_stem}}", "names of organs"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_cohort(cohort(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml cannot be read"):
        read_cohort(tmp_path / "nowhere.yaml")
