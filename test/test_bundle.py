"""What is read from a bundle."""

import json

import torch
from bundle_factory import MODELS, ORGANS, seal
from edited_bundle import CHECKPOINT, edit_architecture, edit_checkpoint

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.networks.build import build_network
from hnseg_infer.review.anatomy import Anatomy, OrganAnatomy, PairAnatomy, anatomy_json
from hnseg_infer.spacing_rule import SpacingRange


def test_loads(bundle_copy):
    bundle = load_bundle(bundle_copy)
    assert isinstance(bundle, Bundle)
    assert (bundle.name, bundle.trained_on, bundle.intended_use) == ("tiny", "nothing", "tests")
    assert {organ.name: organ.id for organ in bundle.organs} == ORGANS
    assert bundle.provider == {1: "3d", 2: "2d", 8: "3d_small", 11: "3d_small"}
    two, three, small = bundle.models
    assert (two.crop, three.crop, small.crop) == ("whole", "head_window", "small_organ_roi")
    assert (two.network.patch, three.network.patch) == ((32, 32), (8, 16, 16))
    assert two.roi is None
    assert small.roi is not None
    assert (small.roi.from_model, small.roi.size_zyx) == ("2d", (8, 16, 16))
    assert [organ.id for organ in small.roi.organs] == [8, 11]
    # the small model's classes 1 and 2 are the bundle's organs 8 and 11
    assert small.organ_ids == (0, 8, 11)
    assert two.organ_ids == (0, 1, 2, 8, 11)


def test_models_with_a_roi_run_last(bundle_copy):
    seal(bundle_copy, models=dict(reversed(MODELS.items())))
    assert load_bundle(bundle_copy).models[-1].name == "3d_small"


def test_organs_outside_the_bundle_become_background(bundle_copy):
    seal(
        bundle_copy,
        organs=[{"id": 200, "name": "eye_left"}],
        provider={"eye_left": "2d"},
        models={"2d": MODELS["2d"], "3d": MODELS["3d"]},
    )
    assert load_bundle(bundle_copy).models[0].organ_ids == (0, 0, 200, 0, 0)


def test_network_has_the_checkpoints_weights_in_single_precision(bundle_copy):
    model = load_bundle(bundle_copy).models[1].network
    network = build_network(model)
    assert not network.training
    for name, value in network.state_dict().items():
        stored = torch.from_numpy(model.weights[name].copy())
        assert value.dtype == (torch.float32 if stored.is_floating_point() else stored.dtype)
        assert torch.equal(value, stored.to(value.dtype)), name
    logits = network(torch.zeros((1, 1, 8, 16, 16)))
    assert logits.shape == (1, 5, 8, 16, 16)


def test_a_foreign_nnunet_architecture_is_built(bundle_copy):
    from dynamic_network_architectures.architectures import unet

    kwargs = {
        "n_stages": 2,
        "features_per_stage": [4, 8],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [2, 2, 2]],
        "n_conv_per_stage": [2, 2],
        "n_conv_per_stage_decoder": [2],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    edit_architecture(
        bundle_copy / "3d/plans.json",
        network_class_name="dynamic_network_architectures.architectures.unet.PlainConvUNet",
        arch_kwargs=kwargs,
        _kw_requires_import=["conv_op", "norm_op", "dropout_op", "nonlin"],
    )
    classes = {"conv_op": torch.nn.Conv3d, "norm_op": torch.nn.InstanceNorm3d, "nonlin": torch.nn.LeakyReLU}
    foreign = unet.PlainConvUNet(input_channels=1, num_classes=5, **{**kwargs, **classes}).eval()
    edit_checkpoint(
        bundle_copy / CHECKPOINT, lambda checkpoint: checkpoint.update(network_weights=foreign.state_dict())
    )
    seal(bundle_copy)
    network = build_network(load_bundle(bundle_copy).models[1].network)
    tile = torch.randn((1, 1, 8, 16, 16), generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(tile), foreign(tile))


def test_configurations_may_inherit(bundle_copy):
    path = bundle_copy / "3d/plans.json"
    plans = json.loads(path.read_text())
    plans["configurations"]["base"] = plans["configurations"]["3d_fullres"]
    plans["configurations"]["3d_fullres"] = {"inherits_from": "base", "patch_size": [8, 32, 32]}
    path.write_text(json.dumps(plans))
    seal(bundle_copy)
    assert load_bundle(bundle_copy).models[1].network.patch == (8, 32, 32)


def test_what_the_patients_were_like_is_read(bundle_copy):
    assert load_bundle(bundle_copy).trained_spacing is None
    assert load_bundle(bundle_copy).anatomy is None
    organ = OrganAnatomy(30, 25.0, 1.2, (0.0, 1.0, 2.0), (3.0, 3.0, 4.0), 0.1, 0.2, 0.05)
    anatomy = Anatomy({"brain_stem": organ}, (PairAnatomy("eye_left", "eye_right", 1.0, 1.1),))
    seal(
        bundle_copy,
        trained_spacing_mm={"low": [2, 0.9, 0.9], "high": [3.0, 1.2, 1.2]},
        anatomy=anatomy_json(anatomy),
    )
    bundle = load_bundle(bundle_copy)
    assert bundle.trained_spacing == SpacingRange((2.0, 0.9, 0.9), (3.0, 1.2, 1.2))
    assert bundle.anatomy == anatomy
