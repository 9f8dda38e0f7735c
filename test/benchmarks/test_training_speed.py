"""The script on the plan of tiny networks."""

import pytest


@pytest.mark.slow
def test_compares_the_trainers_on_every_model(script):
    code, result, page = script("training_speed", "--plan", "check", "--steps", "1", "--turns", "2")
    # so small, speed says nothing: whether the script says rightly what it saw does
    speeds = result["iterations_per_second"]
    assert list(speeds) == ["2d", "3d", "3d_small"]
    for name, turns in speeds.items():
        ours, theirs = turns["HNSeg"], turns["nnU-Net"]
        assert len(ours) == len(theirs) == 2
        assert min(*ours, *theirs) > 0
        quotients = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        assert result["ratio"][name] == pytest.approx(sum(quotients) / 2)
    assert result["passed"] == (min(result["ratio"].values()) >= 1)
    assert code == (0 if result["passed"] else 1)
    assert "nnU-Net's default trainer" in page
