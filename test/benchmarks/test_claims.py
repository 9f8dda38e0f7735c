"""What the claims are judged by, on arrays by hand, and the script on the road of tiny networks."""

import shutil

import numpy as np
import pytest
from claims import chosen_elsewhere, other_side

from hnseg_train.evaluation.metrics import OrganScore
from hnseg_train.recipes import LITE


def test_other_side_counts_only_voxels_that_one_of_the_pair_got():
    # left and right eye are 2 and 3, left lens is 4
    reference = np.array([2, 2, 2, 2, 3, 3, 3, 0, 4, 4], np.uint8)
    predicted = np.array([2, 2, 3, 0, 3, 2, 4, 3, 4, 2], np.uint8)
    found = other_side(predicted, reference)
    assert found["eye"] == pytest.approx(100 * 2 / 5)
    assert found["lens"] == 0
    assert found["temporal_lobe"] == 0
    assert len(found) == 9


def score(dsc):
    return OrganScore(1, "brain_stem", 1.0, 1.0, dsc, 1.0, dsc)


def test_every_case_is_combined_by_what_was_best_elsewhere():
    class TwoFolds:
        folds = (("a", "b"), ("c",))
        recipe = LITE

    # on a and b the 2D model is better, on c the 3D model
    scores = {
        "2d": {"a": [score(0.9)], "b": [score(0.8)], "c": [score(0.1)]},
        "3d": {"a": [score(0.5)], "b": [score(0.4)], "c": [score(0.7)]},
    }
    combined = chosen_elsewhere(TwoFolds(), scores)
    assert {case: [s.dsc for s in found] for case, found in combined.items()} == {
        "a": [0.5],
        "b": [0.4],
        "c": [0.1],
    }


@pytest.mark.slow
def test_trains_and_scores_beside_a_finished_road(script, tiny_cohort, finished_road, tmp_path):
    # it trains in the work folder
    work = shutil.copytree(finished_road[0], tmp_path / "work")
    road = ["--data", tiny_cohort, "--work", work, "--plan", "check", "--folds", "2"]
    code, result, page = script("claims", *road, "--nnunet-cases", "1")
    assert code == 0
    assert set(result["mirroring"]) == {"never mirrored along x", "mirrored along x"}
    assert result["mirroring"]["mirrored along x"]["cases"] == 2
    assert set(result["small_organs"]) == {"optic_chiasm", "pituitary"}
    assert set(result["nnunet"]["systems"]) == {"nnU-Net 2D", "2d", "3d", "fused"}
    assert "lite" not in page.split("## What")[0]
    runs = {path.name for path in (work / "results" / "hnseg_2d").iterdir()}
    assert {"HNSegTrainer__check_mirrored__2d", "BaselineTrainer__check_plain__2d"} <= runs
