"""Estimates of memory and disk against networks that are built, and refusals in one sentence."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

from hnseg_infer.errors import InputError
from hnseg_train.recipes import LITE, PAPER
from hnseg_train.stages import resources
from hnseg_train.stages.resources import GIB, check_resources, disk_bytes, parameters, training_bytes
from hnseg_train.training import TrainingJob, recipe_job


def job(plan, name: str) -> TrainingJob:
    return recipe_job(plan, next(model for model in plan.models if model.name == name), 0, 4)


@pytest.mark.parametrize("name", ["2d", "3d", "3d_small"])
def test_the_number_of_weights_is_that_of_the_network(name: str) -> None:
    lite = job(LITE, name)
    architecture = lite.settings["architecture"]
    network = get_network_from_plans(
        architecture["network_class_name"],
        architecture["arch_kwargs"],
        architecture["_kw_requires_import"],
        1,
        len(lite.dataset["labels"]),
        deep_supervision=True,
    )
    # heads and norms are left out
    assert parameters(lite) == pytest.approx(sum(p.numel() for p in network.parameters()), rel=0.01)


def test_the_published_models_fit_the_published_gpu() -> None:
    # 12 GB (docs/method.md)
    assert all(training_bytes(job(PAPER, name)) < 12e9 for name in ("2d", "3d", "3d_small"))


def test_disk_grows_with_data_and_models() -> None:
    one = job(LITE, "2d")
    assert disk_bytes([one], 0) == 2 * 12 * parameters(one)
    assert disk_bytes([one, one], 0) == 3 * 12 * parameters(one)
    assert disk_bytes([], 10**9) - disk_bytes([], 0) == 3.75e9


def test_too_little_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.shutil, "disk_usage", lambda path: SimpleNamespace(free=GIB))
    with pytest.raises(InputError, match=r"3\.\d GiB of disk, and .* has 1\.0 GiB free"):
        check_resources(tmp_path, [job(LITE, "3d_small")], 10**9, "cpu")


def test_too_little_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_memory", lambda device: 2 * GIB)
    with pytest.raises(InputError, match=r"Training 3d needs about .* GiB of memory on cpu"):
        check_resources(tmp_path, [job(PAPER, "3d_small"), job(PAPER, "3d")], 0, "cpu")
