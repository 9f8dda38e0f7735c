"""The second publication's systems: their plans, and one trained to a bundle by the one command."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from tiny_cohort import write_cohort

from hnseg_infer.bundle import load_bundle
from hnseg_infer.cli import main
from hnseg_infer.formats import read_ct, read_labels
from hnseg_train.nnunet_plans import plans_json
from hnseg_train.recipes import COARSE, PAPER, RECIPES
from hnseg_train.systems import COMBINED, NETWORKS, system_recipe
from hnseg_train.training import final_checkpoint

SYSTEM = "nnsam"
"""The one that goes the whole road here; the others differ from it in their network alone."""


@pytest.mark.parametrize("plan", RECIPES.values(), ids=RECIPES)
def test_the_combined_system_is_the_plan_itself(plan) -> None:
    assert system_recipe(plan, COMBINED) is plan


def test_what_the_publication_says() -> None:
    recipe = system_recipe(PAPER, "nnsam")
    (model,) = recipe.models
    assert (recipe.optimizer, recipe.learning_rate, recipe.schedule) == ("sgd", 0.01, "exponential")
    assert (model.batch_size, model.spacing) == (13, (3.0, 1.0, 1.0))
    assert set(recipe.published_provider().values()) == {"nnsam"}
    assert recipe.organs == PAPER.organs


@pytest.mark.parametrize("plan", RECIPES.values(), ids=RECIPES)
def test_systems_of_a_plan_differ_in_their_network_alone(plan) -> None:
    configurations = []
    for system in NETWORKS:
        recipe = system_recipe(plan, system)
        (model,) = recipe.models
        assert (recipe.name, model.name) == (f"{system}-{plan.name}", system)
        configuration = plans_json(recipe, model, for_training=True)["configurations"]["2d"]
        assert configuration["architecture"].pop("network_class_name") == NETWORKS[system]
        assert configuration.pop("data_identifier") == system
        configurations.append(configuration)
        # no pooling cuts off a part of a patch
        strides = configuration["architecture"]["arch_kwargs"]["strides"]
        assert all(size % factor == 0 for size, factor in zip(model.patch, np.prod(strides, 0), strict=True))
    assert all(configuration == configurations[0] for configuration in configurations[1:])


def test_coarse_systems_see_what_the_coarse_plan_sees() -> None:
    (model,) = system_recipe(COARSE, "unet").models
    assert model.spacing == COARSE.models[0].spacing


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    # voxels as the systems want them: resampling has tests of its own, and small heads are soon done
    return write_cohort(tmp_path / "cohort", cases=2, spacing_xyz=(1.0, 1.0, 3.0))


def train(system: str, cohort: Path, work: Path, *more: str) -> int:
    plan = ["--plan", "check", "--system", system, "--folds", "2", "--device", "cpu"]
    return main(["train", "--data", str(cohort), "--work", str(work), *plan, *more])


@pytest.mark.slow
@pytest.mark.parametrize("system", sorted(NETWORKS.keys() - {SYSTEM}))
def test_the_same_command_trains_the_others(system: str, cohort: Path, tmp_path: Path) -> None:
    stages = ("data-check", "preprocess", "final-models")
    assert train(system, cohort, tmp_path / "work", "--only", *stages) == 0
    recipe = system_recipe(RECIPES["check"], system)
    assert final_checkpoint(tmp_path / "work", recipe, recipe.models[0]).is_file()


@pytest.mark.slow
def test_one_command_trains_a_system_to_a_bundle_that_segments(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(SYSTEM, cohort, tmp_path / "work") == 0
    bundle = load_bundle(tmp_path / "work" / "bundle")
    (model,) = bundle.models
    assert model.network.architecture[0] == NETWORKS[SYSTEM]
    assert len(bundle.organs) == 22
    assert set(bundle.provider.values()) == {SYSTEM}
    ct = cohort / "case_1" / "data.nii.gz"
    arguments = ["segment", str(ct), str(tmp_path / "out"), "--bundle", str(bundle.folder), "--device", "cpu"]
    assert main([*arguments, "--format", "nii.gz"]) == 0
    (mask,) = (tmp_path / "out").glob("*.nii.gz")
    assert read_labels(mask).geometry == read_ct(ct).geometry
    report = json.loads((tmp_path / "out" / "data.json").read_text())
    assert report["bundle"]["name"] == f"hnseg-{SYSTEM}-check"

    # the same work folder: only the trainings start otherwise
    start = ["--start-from", str(bundle.folder)]
    capsys.readouterr()
    assert train(SYSTEM, cohort, tmp_path / "work", *start, "--only", "preprocess", "final-models") == 0
    said = capsys.readouterr().out
    assert "preprocess: unchanged" in said
    assert "final-models: 1 of 1 made" in said
    assert train(SYSTEM, cohort, tmp_path / "work", "--list") == 0
    assert re.search(r"^final-models +inputs changed ", capsys.readouterr().out, re.MULTILINE)
