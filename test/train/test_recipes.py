"""The plans hold what docs/method.md says, and nnU-Net's own classes can read them."""

import numpy as np
import pytest
import torch

from hnseg_infer.networks.unet import UNet
from hnseg_infer.preprocessing import normalized
from hnseg_train.nnunet_plans import dataset_json, model_labels, plans_json
from hnseg_train.recipes import COARSE, LITE, PAPER, RECIPES, STRUCTSEG

BY_NAME = {model.name: model for model in PAPER.models}


def test_paper_batches_and_patches() -> None:
    assert {name: (model.batch_size, model.patch) for name, model in BY_NAME.items()} == {
        "2d": (11, (512, 512)),
        "3d": (2, (32, 256, 256)),
        "3d_small": (2, (16, 64, 64)),
    }


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_only_the_small_model_is_ever_mirrored_along_x(recipe) -> None:
    for model in recipe.models:
        if model.name != "3d_small":
            assert len(model.patch) - 1 not in model.mirror_axes


def test_lite_has_the_paper_topology() -> None:
    for model in LITE.models:
        lite, paper = (
            plans_json(recipe, chosen, for_training=False)["configurations"][model.configuration]
            for recipe, chosen in ((LITE, model), (PAPER, BY_NAME[model.name]))
        )
        for key in ("n_stages", "kernel_sizes", "strides"):
            assert lite["architecture"]["arch_kwargs"][key] == paper["architecture"]["arch_kwargs"][key]


def test_training_patches_survive_every_pooling() -> None:
    for recipe in RECIPES.values():
        for model in recipe.models:
            configuration = plans_json(recipe, model, for_training=True)["configurations"][
                model.configuration
            ]
            total = [1] * len(model.patch)
            for stride in configuration["architecture"]["arch_kwargs"]["strides"]:
                total = [done * factor for done, factor in zip(total, stride, strict=True)]
            assert all(size % factor == 0 for size, factor in zip(model.training_patch, total, strict=True))


def test_nnunet_builds_our_network_from_the_plans() -> None:
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    model = next(model for model in LITE.models if model.name == "3d_small")
    manager = PlansManager(plans_json(LITE, model, for_training=False))
    configuration = manager.get_configuration(model.configuration)
    labels = manager.get_label_manager(dataset_json(model, STRUCTSEG, 4))
    network = get_network_from_plans(
        configuration.network_arch_class_name,
        configuration.network_arch_init_kwargs,
        configuration.network_arch_init_kwargs_req_import,
        1,
        labels.num_segmentation_heads,
        deep_supervision=False,
    )
    assert isinstance(network, UNet)
    assert network(torch.zeros(1, 1, 16, 64, 64)).shape == (1, 3, 16, 64, 64)


def test_nnunet_normalises_as_the_plans_say() -> None:
    from nnunetv2.preprocessing.normalization.default_normalization_schemes import CTNormalization

    model = next(model for model in LITE.models if model.name == "3d_small")
    plans = plans_json(LITE, model, for_training=False)
    assert plans["configurations"]["3d_fullres"]["normalization_schemes"] == ["CTNormalization"]
    (shown,) = plans["foreground_intensity_properties_per_channel"].values()
    hu = np.array([-1000.0, -100.0, 50.0, 125.0, 300.0, 2000.0], np.float32)
    expected = [-2, -2, 0, 1, 250 / 75, 250 / 75]
    np.testing.assert_allclose(normalized(hu, model.hu_window), expected, rtol=1e-6)
    # nnU-Net's works in place
    np.testing.assert_allclose(CTNormalization(intensityproperties=shown).run(hu), expected, rtol=1e-6)


def test_the_publications_models_see_the_z_score() -> None:
    for model in PAPER.models:
        plans = plans_json(PAPER, model, for_training=False)
        assert plans["foreground_intensity_properties_per_channel"] == {}
        (configuration,) = plans["configurations"].values()
        assert configuration["normalization_schemes"] == ["ZScoreNormalization"]


def test_small_model_labels_are_its_own() -> None:
    assert model_labels(BY_NAME["3d_small"], STRUCTSEG) == {"optic_chiasm": 1, "pituitary": 2}
    assert model_labels(BY_NAME["2d"], STRUCTSEG)["mandible_right"] == 22


def test_published_combination() -> None:
    ids = {name: value for value, name in STRUCTSEG}
    by_model: dict[str, set[int]] = {}
    for organ, model in PAPER.published_provider().items():
        by_model.setdefault(model, set()).add(ids[organ])
    assert by_model["2d"] == {4, 5, 6, 15, 16, 19}
    assert by_model["3d_small"] == {8, 11}
    assert len(by_model["3d"]) == 14


def test_the_coarse_model_sees_one_spacing_and_labels_six_organs() -> None:
    (model,) = COARSE.models
    assert model.spacing == (2.5, 4.0, 4.0)
    names = [name for _, name in COARSE.organs]
    # nnU-Net wants label values without gaps, the bundle has StructSeg's
    assert model_labels(model, COARSE.organs) == {name: 1 + place for place, name in enumerate(names)}
    assert [value for value, _ in COARSE.organs] == [1, 12, 13, 20, 21, 22]
    assert COARSE.published_provider() == dict.fromkeys(names, "3d")
    plans = plans_json(COARSE, model, for_training=False)
    assert plans["configurations"]["3d_fullres"]["spacing"] == [2.5, 4.0, 4.0]
