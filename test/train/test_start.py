"""A training that begins with a bundle's weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import BundleError, InputError
from hnseg_infer.volume import Volume
from hnseg_train.dataset import write_samples
from hnseg_train.export import export_bundle
from hnseg_train.recipes import LITE, ModelRecipe, Recipe
from hnseg_train.start import read_start
from hnseg_train.training import FINAL, recipe_job, train

SLOW = 1e-5
"""Learning rate of one step: Adam moves no weight by much more."""

MODEL = ModelRecipe("3d", "whole", (8, 16, 16), (8, 16, 16), 4, 8, 2, (), 1, balanced=True)
RECIPE = replace(LITE, name="tiny", models=(MODEL,), iterations_per_epoch=1, learning_rate=SLOW)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the tiny plan with random weights, unlike those that a training begins with."""
    folder = tmp_path_factory.mktemp("start")
    job = recipe_job(RECIPE, MODEL, "all", 1)
    from hnseg_infer.networks.unet import UNet

    torch.manual_seed(5)
    arguments = dict(job.settings["architecture"]["arch_kwargs"], conv_op=torch.nn.Conv3d)
    network = UNet(1, 23, **arguments, deep_supervision=True)
    job.folder(folder / "work").mkdir(parents=True)
    torch.save({"network_weights": network.state_dict()}, job.folder(folder / "work") / FINAL)
    provider = dict.fromkeys(RECIPE.published_provider(), MODEL.name)
    export_bundle(folder / "work", RECIPE, folder / "bundle", trained_on="dice", cases=1, provider=provider)
    return folder / "bundle"


def test_the_first_weights_are_the_bundles(bundle: Path, tmp_path: Path, small_head: Volume) -> None:
    labels = np.zeros(small_head.array.shape, dtype=np.uint8)
    labels[20:24, 30:42, 30:34] = 1
    write_samples("1", small_head, labels, MODEL, tmp_path / "preprocessed")
    start = read_start(bundle, RECIPE)
    assert (start.name, start.trained_on) == ("hnseg-tiny", "dice")

    def trained(checkpoint: Path | None) -> dict[str, torch.Tensor]:
        job = recipe_job(RECIPE, MODEL, "all", 1, checkpoint)
        final, _ = train(tmp_path, job, "cpu", 0, lambda report: None)
        weights = torch.load(final, weights_only=False)["network_weights"]
        final.unlink()
        return weights

    shipped = load_bundle(bundle).models[0].network.weights
    moved = {
        name: float(np.abs(value.numpy() - shipped[name].astype(np.float32)).max())
        for name, value in trained(start.checkpoints["3d"]).items()
        # statistics of the batch are measured, not learned
        if name.endswith(("weight", "bias"))
    }
    assert 0 < max(moved.values()) < 2 * SLOW
    random = trained(None)
    assert float(np.abs(random["decoder.heads.0.bias"].numpy() - shipped["decoder.heads.0.bias"]).max()) > 0.1


def wider(recipe: Recipe) -> Recipe:
    return replace(recipe, models=(replace(MODEL, first_features=8),))


def other_organs(recipe: Recipe) -> Recipe:
    return replace(recipe, organs=recipe.organs[1:])


def one_more_model(recipe: Recipe) -> Recipe:
    return replace(recipe, models=(MODEL, replace(MODEL, name="3d_small")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (wider, "another network than that of the plan tiny"),
        (other_organs, "outlines other organs"),
        (one_more_model, "has no model 3d_small to start from; it has 3d"),
    ],
)
def test_a_bundle_that_does_not_fit_is_refused(bundle: Path, change, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_start(bundle, change(RECIPE))


def test_a_bundle_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a folder"):
        read_start(tmp_path / "nothing", RECIPE)
