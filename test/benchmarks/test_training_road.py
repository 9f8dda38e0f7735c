"""How the script splits the time, on a stand-in for the road."""

import subprocess

import pytest
from training_road import AFTER, BEFORE, run_timed

ROAD = """
echo build/try/data/1: 512 x 512 x 145
sleep 0.2
echo data-check: 1
sleep 0.1
echo "data-check: 6 of 6 made, done"
echo preprocess: 1
sleep 0.3
echo "preprocess: 6 of 6 made, done"
sleep 0.1
echo Mask
"""


def test_seconds_of_each_stage_and_of_what_is_around_them():
    seconds = run_timed(["bash", "-c", ROAD])
    assert list(seconds) == [BEFORE, "data-check", "preprocess", AFTER]
    for took, least in zip(seconds.values(), (0.2, 0.1, 0.3, 0.1), strict=True):
        assert least <= took < least + 0.5


def test_a_road_that_fails_gives_no_times():
    with pytest.raises(subprocess.CalledProcessError):
        run_timed(["bash", "-c", "echo 'data-check: 6 of 6 made, done'; exit 1"])
