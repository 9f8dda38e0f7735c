"""HNSeg against nnU-Net: the verdict, and one small run of both sides."""

import shutil

import numpy as np
import pytest
from against_nnunet import check
from agreement import Agreement, OrganAgreement
from bundle_factory import seal
from edited_bundle import set_hu_window
from network_case import canonical_ct, nnunet_tasks

from hnseg_infer.errors import InputError


def agreement(*shares: float | None) -> Agreement:
    organs = tuple(OrganAgreement(f"organ {at}", "2d", 10, share, share) for at, share in enumerate(shares))
    worse = (OrganAgreement("organ", "2d", 10, 0.1, 0.1),)
    return Agreement("trained", "patients", "single", nnunet=worse, f32=organs)


def test_every_organ_has_to_agree_with_single_precision():
    assert [item.passed for item in check(6.1, agreement(0.999, 0.9951, None))] == [True, True]
    assert [item.passed for item in check(5.9, agreement(0.999, 0.9949))] == [False, False]
    # no organ anywhere shows nothing
    assert [item.passed for item in check(9.0, agreement(None))] == [True, False]


@pytest.mark.slow
def test_both_sides_once(script, tiny_bundle, coarse_ct, tmp_path):
    trained = shutil.copytree(tiny_bundle, tmp_path / "trained")
    set_hu_window(trained)
    options = ("--bundle", tiny_bundle, "--agreement-bundle", trained, "--ct", coarse_ct)
    _, result, page = script("against_nnunet", *options, "--runs", "1", "--device", "cpu")
    ((ours,), (theirs,)) = result["runs"]["hnseg"], result["runs"]["nnunet"]
    assert ours["seconds"].keys() == theirs["seconds"].keys() == {"2d", "3d", "3d_small"}
    assert result["ratio"] == pytest.approx(sum(theirs["seconds"].values()) / sum(ours["seconds"].values()))
    as_shipped, single = result["agreements"]
    assert (as_shipped["nnunet_sums"], single["nnunet_sums"]) == ("half", "single")
    assert all(organ["voxels"] > 0 for organ in single["nnunet"])
    # both in single precision throughout: the same labels, so the same agreement with what is shipped
    for theirs, ours in zip(single["nnunet"], single["f32"], strict=True):
        assert theirs["same"] == pytest.approx(ours["same"], abs=0.005)
    assert "head.mha" in page


def test_a_ct_that_is_resampled_is_refused(tiny_bundle, coarse_ct, tmp_path):
    bundle = shutil.copytree(tiny_bundle, tmp_path / "fine")
    seal(bundle, trained_spacing_mm={"low": [1, 1, 1], "high": [1, 1, 1]})
    np.savez(tmp_path / "labels.npz")
    with pytest.raises(InputError, match="2d sees this CT resampled"):
        nnunet_tasks(bundle, canonical_ct(coarse_ct), tmp_path / "labels.npz")
