"""What the comparison of models leaves in its folder."""

import csv

import pytest
from score_factory import found

from hnseg_train.evaluation.comparison import compare
from hnseg_train.evaluation.comparison_files import write_comparison

GAINS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06)
"""3d over 2d, in six cases."""

SCORES = {
    "2d": {
        f"case{index}": [found(1, "brain_stem", 0.8, 3.0, 0.6), found(8, "optic_chiasm", 0.4, 2.0)]
        for index in range(6)
    },
    "3d": {f"case{index}": [found(1, "brain_stem", 0.8 + GAINS[index], 2.0, 0.7)] for index in range(6)},
}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison") / "tables"
    write_comparison(SCORES, compare(SCORES, {"brain_stem": "2d"}), folder)
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_files(out):
    assert {path.name for path in out.iterdir()} == {
        "models.csv",
        "combination.csv",
        "comparison.md",
        "models_dsc.png",
        "models_hd95_mm.png",
        "models_nsd_1mm.png",
    }


def test_models(out):
    stem_2d, stem_3d, chiasm = rows(out / "models.csv")
    assert [row["model"] for row in (stem_2d, stem_3d, chiasm)] == ["2d", "3d", "2d"]
    assert [row["provides"] for row in (stem_2d, stem_3d, chiasm)] == ["no", "yes", "yes"]
    assert (stem_3d["dsc_mean"], stem_3d["hd95_mm_mean"], stem_3d["nsd_1mm_mean"]) == (
        "0.835000",
        "2.000000",
        "0.700000",
    )
    # 1 to 6 have a sample variance of 3.5
    assert float(stem_3d["dsc_sd"]) == pytest.approx(0.01 * 3.5**0.5, abs=1e-6)
    assert stem_3d["cases"] == "6"


def test_combination(out):
    stem, chiasm = rows(out / "combination.csv")
    assert (stem["provider"], stem["runner_up"], stem["margin_dsc"]) == ("3d", "2d", "0.035000")
    assert float(stem["wilcoxon_p"]) == 2 / 64
    assert (chiasm["provider"], chiasm["runner_up"], chiasm["margin_dsc"]) == ("2d", "", "")


def test_page(out):
    page = (out / "comparison.md").read_text()
    assert "| brain_stem | 3d | 0.835 +- 0.019 | 2d | +0.035 | 0.031 | highest DSC |" in page
    assert "| brain_stem | 0.800 +- 0.000 | **0.835 +- 0.019** |" in page
    assert "| optic_chiasm | **0.400 +- 0.000** |  |" in page
    # brain stem weighs 100, the chiasm 50
    assert "| combination | 2 | 0.618 | 2.00 | 0.600 | 0.690 | 2.00 | 0.633 | 0 |" in page
    assert "Wilcoxon" in page
    for metric in ("dsc", "hd95_mm", "nsd_1mm"):
        assert f"(models_{metric}.png)" in page


def test_same_scores_same_bytes(out, tmp_path):
    write_comparison(SCORES, compare(SCORES, {"brain_stem": "2d"}), tmp_path)
    for path in out.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
