"""``hnseg segment`` on a synthetic head and a tiny bundle."""

import json
from pathlib import Path

import numpy as np
import pytest
from bundle_factory import ORGANS, make_bundle
from synthetic_head import head_ct

from hnseg_infer.cli import main
from hnseg_infer.commands.segment import review_lines
from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.pipeline import segment
from hnseg_infer.report import Reason


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def ct(tmp_path) -> Path:
    path = tmp_path / "case 1.nii.gz"
    write(head_ct(), path)
    return path


def arguments(*values: object) -> list[str]:
    return [str(value) for value in values]


@pytest.mark.parametrize("suffix", ["mha", "nii.gz", "nrrd"])
def test_writes_mask_report_and_table(ct, bundle, tmp_path, suffix, capsys):
    out = tmp_path / "new" / "folder"
    call = arguments("segment", ct, out, "--bundle", bundle, "--device", "cpu", "--format", suffix)
    assert main(call) == 0
    assert sorted(path.name for path in out.iterdir()) == [f"case 1.{suffix}", "results.json"]

    mask = read_labels(out / f"case 1.{suffix}")
    stored = read_ct(ct)
    expected = segment(stored, bundle=bundle, device="cpu")
    np.testing.assert_array_equal(mask.array, expected.labels.array)
    np.testing.assert_allclose(mask.geometry.origin, stored.geometry.origin, atol=1e-4)
    np.testing.assert_allclose(mask.geometry.spacing, stored.geometry.spacing, atol=1e-6)
    np.testing.assert_allclose(mask.geometry.direction, stored.geometry.direction, atol=1e-6)

    results = json.loads((out / "results.json").read_text())
    assert {organ["name"]: organ["id"] for organ in results["organs"]} == ORGANS
    table = capsys.readouterr().out
    for organ in expected.organs:
        (line,) = [line for line in table.splitlines() if line.split()[:2] == [str(organ.id), organ.name]]
        assert f"{organ.volume_cm3:.2f}" in line
        assert line.split()[-1] == organ.provider
    missing = [reason.organ for reason in expected.review if reason.code == "not_found"]
    assert (f"review not_found: {', '.join(missing)}" in table) == bool(missing)
    assert ("Look at the mask" in table) == bool(expected.review)
    assert "trained on nothing" in table


def test_reasons_of_a_kind_share_a_line():
    reasons = [
        Reason("untypical_spacing", None, "Far off."),
        Reason("unsure", "eye_left", "Unsure of eye_left."),
        Reason("cut_off", "brain_stem", "At the edge."),
        Reason("unsure", "lens_left", "Unsure of lens_left."),
    ]
    assert review_lines(reasons) == [
        "review unsure: eye_left, lens_left",
        "review cut_off: brain_stem",
        "Look at the mask before it is used; results.json says why.",
    ]
    assert review_lines([]) == []


def test_the_default_format_is_mha(ct, bundle, tmp_path):
    assert main(arguments("segment", ct, tmp_path / "out", "--bundle", bundle, "--device", "cpu")) == 0
    assert (tmp_path / "out" / "case 1.mha").exists()


@pytest.mark.parametrize(
    ("alter", "sentence"),
    [
        (lambda ct, out, bundle: (ct.with_name("none.mha"), out, bundle), "none.mha"),
        (lambda ct, out, bundle: (ct, out, bundle / "2d"), "bundle.json"),
        (lambda ct, out, bundle: (ct, ct, bundle), "is a file"),
    ],
)
def test_errors_are_one_sentence_and_leave_nothing(ct, bundle, tmp_path, alter, sentence, capsys):
    source, out, weights = alter(ct, tmp_path / "out", bundle)
    assert main(arguments("segment", source, out, "--bundle", weights)) == 1
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["case 1.nii.gz"]


def test_the_ct_is_never_overwritten(ct, bundle, tmp_path, capsys):
    before = ct.read_bytes()
    call = arguments("segment", ct, tmp_path, "--bundle", bundle, "--format", "nii.gz")
    assert main(call) == 1
    assert "overwrite" in capsys.readouterr().err
    assert ct.read_bytes() == before
