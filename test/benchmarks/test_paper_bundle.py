"""Bundles of random networks: complete, repeatable, and with every class in use."""

from dataclasses import replace

import pytest
import torch
from paper_bundle import random_bundle
from random_networks import random_network
from synthetic_head import head_ct

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import InputError
from hnseg_infer.preprocessing import z_score
from hnseg_train.nnunet_plans import plans_json
from hnseg_train.recipes import PAPER

NARROW = replace(
    PAPER, models=tuple(replace(model, first_features=2, feature_cap=4) for model in PAPER.models)
)
"""The publication's patches and depths, with hardly any weights."""


def test_a_bundle_with_the_published_providers(tmp_path):
    random_bundle(tmp_path / "bundle", NARROW)
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.name == "hnseg-paper-random"
    assert "nothing" in bundle.trained_on
    assert [(model.name, model.network.patch) for model in bundle.models] == [
        ("2d", (512, 512)),
        ("3d", (32, 256, 256)),
        ("3d_small", (16, 64, 64)),
    ]
    names = {organ.id: organ.name for organ in bundle.organs}
    assert len(names) == 22
    assert {names[organ] for organ, model in bundle.provider.items() if model == "3d_small"} == {
        "optic_chiasm",
        "pituitary",
    }


def test_the_seed_decides_the_bytes(tmp_path):
    manifests = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        random_bundle(tmp_path / name, NARROW, seed)
        manifests.append((tmp_path / name / "bundle.json").read_bytes())
    assert manifests[0] == manifests[1] != manifests[2]


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is no bundle"):
        random_bundle(tmp_path, NARROW)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("model", PAPER.models[1:], ids=lambda model: model.name)
def test_activations_stay_sane_and_classes_occur_at_full_width(model):
    kwargs = plans_json(PAPER, model, for_training=False)["configurations"][model.configuration]
    classes = 3 if model.crop == "small_organ_roi" else 23
    network = random_network(kwargs["architecture"]["arch_kwargs"], classes, seed=5).eval()
    image = torch.from_numpy(z_score(head_ct().array))[None, None, 6:22, :48, :48]
    image = torch.nn.functional.interpolate(image, size=(16, 64, 64), mode="trilinear")
    with torch.inference_mode():
        logits = network(image)
    assert 0.02 < logits.std() < 2
    assert logits.argmax(dim=1).unique().numel() == classes
