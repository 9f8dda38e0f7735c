"""The time of architectures, on two narrow ones."""

import json
from dataclasses import replace
from pathlib import Path

import network_speed
import pytest

from hnseg_train.recipes import PAPER, UNET
from hnseg_train.systems import NETWORKS

SMALL = {"2d": (64, 64), "3d": (8, 32, 32)}


def test_each_round_measures_every_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = tuple(
        replace(model, first_features=2, feature_cap=4, patch=SMALL.get(model.name, model.patch))
        for model in PAPER.models
    )
    monkeypatch.setattr(network_speed, "PAPER", replace(PAPER, models=narrow))
    monkeypatch.setattr(network_speed, "ARCHITECTURES", {"unet": NETWORKS["unet"], "combined": UNET})
    options = ["--rounds", "2", "--runs", "1", "--precision", "f32", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["network_speed.py", *options])
    assert network_speed.main() == 0
    result = json.loads((tmp_path / "network_speed.json").read_text())
    assert result["patches"] == {"2d": [64, 64], "3d": [8, 32, 32]}
    assert set(result["seconds"]) == {"unet", "combined"}
    assert all(len(values) == 2 for of in result["seconds"].values() for values in of.values())
    page = (tmp_path / "network_speed.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith("| unet ")]
    assert line.count("1.00 (1.00, 1.00)") == 2
