"""Roofline: its arithmetic by hand, and one small run."""

import pytest
import torch
from roofline import matrix_rate, roofline


def run(seconds_2d: float, seconds_3d: float) -> dict:
    return {
        "2d": {"seconds": seconds_2d, "tiles": 100, "tiles_of_window": 130},
        "3d": {"seconds": seconds_3d, "tiles": 8, "tiles_of_window": 9},
    }


def test_share_of_the_tiles_that_ran():
    figures = roofline({"2d": 10, "3d": 50}, [run(1.0, 2.0), run(4.0, 4.0), run(1.0, 3.0)], rate=1000.0)
    # 100 tiles of 10 operations and 8 of 50, at 1000 a second
    assert [model["least_seconds"] for model in figures["models"].values()] == [1.0, 0.4]
    assert figures["least_seconds"] == pytest.approx(1.4)
    assert figures["seconds"] == [3.0, 8.0, 4.0]
    assert figures["share"] == pytest.approx(1.4 / 4.0)
    assert figures["models"]["2d"]["tiles_of_window"] == 130


def test_a_rate_is_measured_however_short_the_time():
    assert matrix_rate(64, "cpu", torch.float32, seconds=0.0) > 0


def test_one_small_run(script, tiny_bundle, coarse_ct):
    options = ("--bundle", tiny_bundle, "--ct", coarse_ct, "--runs", "1", "--sizes", "64", "--device", "cpu")
    _, result, page = script("roofline", *options)
    model = result["models"]["3d"]
    # patch 8 x 16 x 16 in 30 slices of 240 x 240 mm, 60 voxels each way: 7 x 7 x 7 tiles
    assert model["tiles_of_window"] == 343
    assert 0 < model["tiles"] <= 343
    assert result["share"] > 0
    assert "head.mha" in page
