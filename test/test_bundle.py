"""A bundle is verified before it is used: one altered copy per rule."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from bundle_factory import MODELS, ORGANS, PROVIDER, make_bundle, seal

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.errors import BundleError
from hnseg_infer.networks.build import build_network

CHECKPOINT = "3d/fold_all/checkpoint_final.pth"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def folder(pristine, tmp_path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "bundle"))


def edit_json(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_configuration(path: Path, **changes) -> None:
    plans = json.loads(path.read_text())
    for configuration in plans["configurations"].values():
        configuration.update(changes)
    path.write_text(json.dumps(plans))


def edit_architecture(path: Path, **changes) -> None:
    plans = json.loads(path.read_text())
    for configuration in plans["configurations"].values():
        configuration["architecture"].update(changes)
    path.write_text(json.dumps(plans))


def edit_checkpoint(path: Path, change) -> None:
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)


def test_loads(folder):
    bundle = load_bundle(folder)
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


def test_models_with_a_roi_run_last(folder):
    seal(folder, models=dict(reversed(MODELS.items())))
    assert load_bundle(folder).models[-1].name == "3d_small"


def test_organs_outside_the_bundle_become_background(folder):
    seal(
        folder,
        organs=[{"id": 200, "name": "eye_left"}],
        provider={"eye_left": "2d"},
        models={"2d": MODELS["2d"], "3d": MODELS["3d"]},
    )
    assert load_bundle(folder).models[0].organ_ids == (0, 0, 200, 0, 0)


def test_network_has_the_checkpoints_weights_in_single_precision(folder):
    model = load_bundle(folder).models[1].network
    network = build_network(model)
    assert not network.training
    for name, value in network.state_dict().items():
        stored = torch.from_numpy(model.weights[name].copy())
        assert value.dtype == (torch.float32 if stored.is_floating_point() else stored.dtype)
        assert torch.equal(value, stored.to(value.dtype)), name
    logits = network(torch.zeros((1, 1, 8, 16, 16)))
    assert logits.shape == (1, 5, 8, 16, 16)


def test_a_foreign_nnunet_architecture_is_built(folder):
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
        folder / "3d/plans.json",
        network_class_name="dynamic_network_architectures.architectures.unet.PlainConvUNet",
        arch_kwargs=kwargs,
        _kw_requires_import=["conv_op", "norm_op", "dropout_op", "nonlin"],
    )
    classes = {"conv_op": torch.nn.Conv3d, "norm_op": torch.nn.InstanceNorm3d, "nonlin": torch.nn.LeakyReLU}
    foreign = unet.PlainConvUNet(input_channels=1, num_classes=5, **{**kwargs, **classes}).eval()
    edit_checkpoint(
        folder / CHECKPOINT, lambda checkpoint: checkpoint.update(network_weights=foreign.state_dict())
    )
    seal(folder)
    network = build_network(load_bundle(folder).models[1].network)
    tile = torch.randn((1, 1, 8, 16, 16), generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(tile), foreign(tile))


def test_configurations_may_inherit(folder):
    path = folder / "3d/plans.json"
    plans = json.loads(path.read_text())
    plans["configurations"]["base"] = plans["configurations"]["3d_fullres"]
    plans["configurations"]["3d_fullres"] = {"inherits_from": "base", "patch_size": [8, 32, 32]}
    path.write_text(json.dumps(plans))
    seal(folder)
    assert load_bundle(folder).models[1].network.patch == (8, 32, 32)


def delete_plans(folder):
    (folder / "3d/plans.json").unlink()


def delete_manifest(folder):
    (folder / "bundle.json").unlink()


def break_manifest(folder):
    (folder / "bundle.json").write_text("{")


def list_as_manifest(folder):
    (folder / "bundle.json").write_text("[1]")


def flip_a_byte(folder):
    content = bytearray((folder / CHECKPOINT).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / CHECKPOINT).write_bytes(content)


def add_a_file(folder):
    (folder / "2d/extra.txt").write_text("")


def drop_the_model(folder):
    shutil.rmtree(folder / "3d")
    seal(folder)


def change_a_shape(folder):
    def change(checkpoint):
        weights = checkpoint["network_weights"]
        weights["decoder.heads.0.weight"] = weights["decoder.heads.0.weight"][:3]

    edit_checkpoint(folder / CHECKPOINT, change)
    seal(folder)


def drop_a_weight(folder):
    edit_checkpoint(
        folder / CHECKPOINT, lambda checkpoint: checkpoint["network_weights"].pop("decoder.heads.0.bias")
    )
    seal(folder)


def spoil_a_weight(folder):
    edit_checkpoint(
        folder / CHECKPOINT,
        lambda checkpoint: checkpoint["network_weights"]["decoder.heads.0.bias"].fill_(float("nan")),
    )
    seal(folder)


class _Code:
    def __reduce__(self):
        return print, ("this must never be printed",)


def hide_code(folder):
    torch.save({"network_weights": _Code()}, folder / CHECKPOINT)
    seal(folder)


def not_a_checkpoint(folder):
    (folder / CHECKPOINT).write_bytes(b"weights")
    seal(folder)


def an_empty_archive(folder):
    with zipfile.ZipFile(folder / CHECKPOINT, "w") as archive:
        archive.writestr("nothing", "")
    seal(folder)


def no_weights(folder):
    torch.save({"trainer_name": "x"}, folder / CHECKPOINT)
    seal(folder)


def a_class_from_elsewhere(folder):
    edit_architecture(folder / "3d/plans.json", network_class_name="subprocess.Popen")
    seal(folder)


def a_class_through_an_allowed_module(folder):
    edit_architecture(folder / "3d/plans.json", network_class_name="torch.nn.modules.module.OrderedDict")
    seal(folder)


def a_function_for_an_operator(folder):
    plans = json.loads((folder / "3d/plans.json").read_text())
    kwargs = plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]
    edit_architecture(folder / "3d/plans.json", arch_kwargs={**kwargs, "conv_op": "os.system"})
    seal(folder)


def an_unknown_class(folder):
    edit_architecture(folder / "3d/plans.json", network_class_name="hnseg_infer.networks.unet.Transformer")
    seal(folder)


def unknown_arguments(folder):
    edit_architecture(folder / "3d/plans.json", arch_kwargs={"depth": 3}, _kw_requires_import=[])
    seal(folder)


def another_normalisation(folder):
    edit_configuration(folder / "3d/plans.json", normalization_schemes=["CTNormalization"])
    seal(folder)


def normalisation_in_a_mask(folder):
    edit_configuration(folder / "3d/plans.json", use_mask_for_norm=[True])
    seal(folder)


def transposed_axes(folder):
    edit_json(folder / "3d/plans.json", transpose_forward=[1, 0, 2])
    seal(folder)


def a_4d_patch(folder):
    edit_configuration(folder / "3d/plans.json", patch_size=[1, 8, 16, 16])
    seal(folder)


def a_patch_that_cannot_be_pooled(folder):
    edit_configuration(folder / "3d/plans.json", patch_size=[8, 16, 17])
    seal(folder)


def a_2d_patch_for_a_3d_network(folder):
    edit_configuration(folder / "3d/plans.json", patch_size=[16, 16])
    seal(folder)


def stages_that_contradict_each_other(folder):
    plans = json.loads((folder / "3d/plans.json").read_text())
    kwargs = plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]
    edit_architecture(folder / "3d/plans.json", arch_kwargs={**kwargs, "n_stages": 9})
    seal(folder)


def no_configurations(folder):
    edit_json(folder / "3d/plans.json", configurations={})
    seal(folder)


def regions_as_labels(folder):
    edit_json(folder / "3d/dataset.json", labels={"background": 0, "head": [1, 2]})
    seal(folder)


def a_gap_in_the_labels(folder):
    edit_json(folder / "3d/dataset.json", labels={"background": 0, "brain_stem": 2})
    seal(folder)


@pytest.mark.parametrize(
    ("alter", "named"),
    [
        (delete_manifest, "bundle.json"),
        (break_manifest, "bundle.json is not valid JSON"),
        (list_as_manifest, "bundle.json"),
        (delete_plans, "3d/plans.json is missing"),
        (flip_a_byte, f"{CHECKPOINT} was altered or damaged"),
        (add_a_file, "2d/extra.txt is not listed"),
        (drop_the_model, "3d/plans.json is missing"),
        (change_a_shape, r"decoder.heads.0.weight is \(3, "),
        (drop_a_weight, "decoder.heads.0.bias is absent"),
        (spoil_a_weight, "not finite"),
        (hide_code, f"{CHECKPOINT} holds more than weights"),
        (not_a_checkpoint, CHECKPOINT),
        (an_empty_archive, f"{CHECKPOINT} is not a readable checkpoint"),
        (no_weights, f"{CHECKPOINT} holds no network weights"),
        (a_class_from_elsewhere, "subprocess.Popen"),
        (a_class_through_an_allowed_module, "OrderedDict"),
        (a_function_for_an_operator, "os.system"),
        (an_unknown_class, "Transformer"),
        (unknown_arguments, "No network can be built from .*3d/plans.json"),
        (another_normalisation, "CTNormalization"),
        (normalisation_in_a_mask, "inside a mask"),
        (transposed_axes, "3d/plans.json asks for transposed axes"),
        (a_4d_patch, "patch size"),
        (a_patch_that_cannot_be_pooled, r"patch size \(8, 16, 17\), which the network cannot pool"),
        (a_2d_patch_for_a_3d_network, r"patch size \(16, 16\), which the network cannot pool"),
        (stages_that_contradict_each_other, "n_stages"),
        (no_configurations, "3d/plans.json"),
        (regions_as_labels, "3d/dataset.json"),
        (a_gap_in_the_labels, "3d/dataset.json"),
    ],
)
def test_altered_files_are_refused(folder, alter, named, capsys):
    alter(folder)
    with pytest.raises(BundleError, match=named) as raised:
        load_bundle(folder)
    assert "\n" not in str(raised.value)
    assert "printed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"format_version": 2}, "format version 2"),
        ({"organs": []}, "no organs"),
        ({"organs": [{"id": 0, "name": "brain_stem"}]}, "ids 0"),
        ({"organs": [{"id": 256, "name": "brain_stem"}]}, "256"),
        ({"organs": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "twice"),
        ({"organs": [{"id": 1}]}, "incomplete"),
        ({"provider": {}}, "brain_stem"),
        ({"provider": {**PROVIDER, "eye_left": "4d"}}, "eye_left"),
        ({"provider": {**PROVIDER, "eye_left": "3d_small"}}, "eye_left"),
        ({"provider": {**PROVIDER, "heart": "2d"}}, "heart"),
        ({"models": {**MODELS, "2d": {"folder": "2d", "crop": "half"}}}, "crop rule 'half'"),
        (
            {"models": {**MODELS, "2d": {"folder": "2d", "crop": "whole", "spacing": "1mm"}}},
            "spacing rule '1mm'; accepted: native, or three mm",
        ),
        (
            {"models": {**MODELS, "2d": {"folder": "2d", "crop": "whole", "spacing": [3.0, 0, 1.0]}}},
            r"spacing rule \[3.0, 0, 1.0\]",
        ),
        (
            {
                "models": {
                    **MODELS,
                    "2d": {"folder": "2d", "crop": "whole", "spacing": [3.0, float("nan"), 1.0]},
                }
            },
            "nan",
        ),
        (
            {"models": {**MODELS, "2d": {"folder": "2d", "crop": "whole", "spacing": [3.0, True, 1.0]}}},
            "True",
        ),
        ({"models": {**MODELS, "2d": {"crop": "whole"}}}, "incomplete"),
        ({"models": {**MODELS, "2d": {"folder": "../2d", "crop": "whole"}}}, "missing"),
        ({"models": {**MODELS, "3d_small": {**MODELS["3d_small"], "from_model": "9d"}}}, "'9d'"),
        ({"models": {**MODELS, "3d_small": {**MODELS["3d_small"], "organs": ["heart"]}}}, "heart"),
        ({"models": {**MODELS, "3d_small": {**MODELS["3d_small"], "size_zyx": [0, 1, 1]}}}, "ROI"),
        ({"sha256": "none"}, "incomplete"),
    ],
)
def test_misstated_manifests_are_refused(folder, changes, named):
    seal(folder, **changes)
    with pytest.raises(BundleError, match=named) as raised:
        load_bundle(folder)
    assert "bundle" in str(raised.value)


def test_a_model_outside_the_bundle_is_refused(folder):
    shutil.copytree(folder / "2d", folder.parent / "other")
    seal(folder, models={**MODELS, "2d": {"folder": "../other", "crop": "whole"}})
    with pytest.raises(BundleError, match=r"other/plans\.json is missing or not listed"):
        load_bundle(folder)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle(tmp_path / "nowhere")
