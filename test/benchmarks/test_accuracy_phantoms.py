"""The accuracy benchmark with stand-ins for generator and networks: figures, thresholds, files."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hnseg_infer.report import OrganResult, Prediction, Warning
from hnseg_infer.volume import Geometry, Volume

GRID = Geometry((12, 20, 20), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def labels(shift=0):
    array = np.zeros(GRID.shape, np.uint8)
    array[2:10, 5:15, 5 + shift : 15 + shift] = 1
    return Volume(array, GRID)


def prediction(volume):
    return Prediction(
        labels=volume,
        organs=(OrganResult(1, "brain_stem", "3d", 1.0, True, 1, False, None),),
        warnings=(Warning("some_code", "Some sentence."),),
        review=(),
        seconds={},
        device="cpu",
        bundle_name="fake",
        trained_on="nothing",
    )


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    module = import_module("accuracy_phantoms")
    bundle = SimpleNamespace(name="fake", trained_on="nothing", provider={1: "3d"})
    monkeypatch.setattr(module, "load", lambda folder: SimpleNamespace(bundle=bundle, device="cpu"))
    monkeypatch.setattr(module, "generate", lambda seed, case: SimpleNamespace(ct=case - 1, labels=labels()))
    return module


def run(module, monkeypatch, out, predict):
    monkeypatch.setattr(module, "segment", lambda ct, bundle: prediction(predict(ct)))
    monkeypatch.setattr(sys, "argv", ["accuracy_phantoms.py", "--cases", "2", "--out", str(out)])
    code = module.main()
    return code, json.loads((out / "accuracy_phantoms.json").read_text())


def test_figures_and_verdict(benchmark, monkeypatch, tmp_path):
    # The first case is exact, the second is off by one of ten columns: DSC 0.9, HD95 1 mm.
    code, result = run(benchmark, monkeypatch, tmp_path, labels)
    organ, *absent = result["organs"]
    assert len(absent) == 21
    assert result["overall"]["not_in_reference"] == 2 * 21
    assert code == 0
    assert organ["dsc"]["mean"] == pytest.approx(0.95)
    assert organ["dsc"]["sd"] == pytest.approx(0.1 / 2**0.5)
    assert (organ["dsc"]["worst"], organ["hd95_mm"]["worst"]) == (pytest.approx(0.9), 1.0)
    assert organ["provider"] == "3d"
    assert [case["warnings"] for case in result["cases"]] == [["some_code"], ["some_code"]]
    assert all(item["passed"] for item in result["checks"])
    page = (tmp_path / "accuracy_phantoms.md").read_text()
    assert (
        "| brain_stem | 3d | 0.950 +- 0.071 | 0.900 | 0.50 +- 0.71 | 1.00 | 1.000 +- 0.000 | 1.000 | 0 |"
        in page
    )
    assert "not patients" in page


def test_missed_organ_fails(benchmark, monkeypatch, tmp_path):
    empty = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    code, result = run(benchmark, monkeypatch, tmp_path, lambda case: empty if case else labels())
    assert code == 1
    # One exact case and one miss: DSC 1/2, HD95 0 from the exact case alone.
    assert [item["passed"] for item in result["checks"]] == [False, False, True, False]
    assert result["organs"][0]["missed"] == 1


def test_results_name_no_folder_of_the_machine(benchmark, monkeypatch, tmp_path):
    _, result = run(benchmark, monkeypatch, tmp_path, labels)
    assert str(tmp_path.parent) not in json.dumps(result)
