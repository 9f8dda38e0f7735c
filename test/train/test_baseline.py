"""The baseline is nnU-Net's own default for a StructSeg-like cohort, but z-scored and not resampled."""

from pathlib import Path

import pytest

from hnseg_train.baseline import CaseGrid, baseline_job, plan_baseline
from hnseg_train.recipes import CHECK, PAPER, STRUCTSEG
from hnseg_train.training import set_nnunet_folders

WHOLE = PAPER.models[0]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory):
    work = tmp_path_factory.mktemp("work")
    preprocessed = set_nnunet_folders(work)
    cases = [
        CaseGrid(str(number), Path("data.nii.gz"), Path("label.nii.gz"), (slices, 512, 512), (3.0, 1.0, 1.0))
        for number, slices in enumerate([*range(100, 150)], start=1)
    ]
    return plan_baseline(work / "raw", preprocessed, cases, WHOLE, STRUCTSEG)


def test_it_is_nnunets_default(plans) -> None:
    two_d, three_d = plans["2d"], plans["3d_fullres"]
    for plan, norm in ((two_d, "InstanceNorm2d"), (three_d, "InstanceNorm3d")):
        architecture = plan["architecture"]
        assert architecture["network_class_name"].endswith(".PlainConvUNet")
        assert architecture["arch_kwargs"]["norm_op"].endswith(norm)
        assert architecture["arch_kwargs"]["features_per_stage"][:3] == [32, 64, 128]
        assert plan["normalization_schemes"] == ["ZScoreNormalization"]
        assert plan["resampling_fn_data"] == "no_resampling_hack"
        assert plan["data_identifier"] == WHOLE.name
    assert two_d["patch_size"] == [512, 512]
    assert max(two_d["architecture"]["arch_kwargs"]["features_per_stage"]) == 512
    assert max(three_d["architecture"]["arch_kwargs"]["features_per_stage"]) == 320
    assert three_d["batch_size"] == 2
    # nnU-Net keeps a patch's shape in mm near the image's, here 375 x 512 x 512 mm
    assert three_d["patch_size"][1] == three_d["patch_size"][2] >= 3 * three_d["patch_size"][0]


def test_only_the_check_plan_narrows_it(plans) -> None:
    whole = baseline_job(PAPER, WHOLE, plans, "nnunet_3d", 0, 50).settings
    assert {**whole, "hnseg": None} == {**plans["3d_fullres"], "hnseg": None}
    assert whole["hnseg"] == {"epochs": 1000, "iterations_per_epoch": 250, "checkpoint_every": 5}
    narrow = baseline_job(CHECK, CHECK.models[0], plans, "nnunet_3d", 0, 50).settings
    assert set(narrow["architecture"]["arch_kwargs"]["features_per_stage"]) == {8}
    assert narrow["architecture"]["arch_kwargs"]["strides"] == whole["architecture"]["arch_kwargs"]["strides"]
