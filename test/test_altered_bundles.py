"""The files of a bundle are verified before they are used: one altered copy per rule."""

import json
import shutil
import zipfile

import pytest
import torch
from bundle_factory import seal
from edited_bundle import (
    CHECKPOINT,
    edit_architecture,
    edit_checkpoint,
    edit_configuration,
    edit_json,
    set_hu_window,
)

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import BundleError
from hnseg_infer.preprocessing import HUWindow


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
    edit_configuration(folder / "3d/plans.json", normalization_schemes=["RescaleTo01Normalization"])
    seal(folder)


def a_window_upside_down(folder):
    set_hu_window(folder, percentile_00_5=900.0)


def a_window_without_width(folder):
    set_hu_window(folder, std=0.0)


def a_window_of_no_number(folder):
    set_hu_window(folder, mean=float("nan"))


def no_window(folder):
    set_hu_window(folder)
    edit_json(folder / "3d/plans.json", foreground_intensity_properties_per_channel={})
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
        (another_normalisation, "RescaleTo01Normalization"),
        (a_window_upside_down, "cuts HU off at 900.0 and 800.0"),
        (a_window_without_width, "divides by 0.0"),
        (a_window_of_no_number, "3d/plans.json cuts HU off"),
        (no_window, "3d/plans.json are not those of an nnU-Net v2 model"),
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
def test_altered_files_are_refused(bundle_copy, alter, named, capsys):
    alter(bundle_copy)
    with pytest.raises(BundleError, match=named) as raised:
        load_bundle(bundle_copy)
    assert "\n" not in str(raised.value)
    assert "printed" not in capsys.readouterr().out


def test_a_window_of_hu_is_read(bundle_copy):
    set_hu_window(bundle_copy)
    windows = {model.name: model.network.hu_window for model in load_bundle(bundle_copy).models}
    assert windows == {"2d": None, "3d": HUWindow(-300.0, 800.0, 40.0, 200.0), "3d_small": None}
