"""``hnseg segment`` on a synthetic head and a tiny bundle."""

import signal
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest
from bundle_factory import ORGANS, make_bundle
from little_room import little_room
from synthetic_head import head_ct

from hnseg_infer.cli import main
from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.identity import ct_checksum
from hnseg_infer.pipeline import segment
from hnseg_infer.report import read_report
from hnseg_infer.summary import summary
from hnseg_infer.volume import Volume


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
    assert sorted(path.name for path in out.iterdir()) == ["case 1.json", f"case 1.{suffix}"]

    mask = read_labels(out / f"case 1.{suffix}")
    stored = read_ct(ct)
    expected = segment(stored, bundle=bundle, device="cpu")
    np.testing.assert_array_equal(mask.array, expected.labels.array)
    np.testing.assert_allclose(mask.geometry.origin, stored.geometry.origin, atol=1e-4)
    np.testing.assert_allclose(mask.geometry.spacing, stored.geometry.spacing, atol=1e-6)
    np.testing.assert_allclose(mask.geometry.direction, stored.geometry.direction, atol=1e-6)

    report = read_report(out / "case 1.json")
    assert {organ["name"]: organ["id"] for organ in report["organs"]} == ORGANS
    assert report["ct"] == {"name": "case 1.nii.gz", "series_uid": None, "sha256": ct_checksum(stored)}
    assert report["mask"] == f"case 1.{suffix}"
    printed = capsys.readouterr().out.splitlines()
    organs = summary(expected, "case 1.json").splitlines()[: len(ORGANS) + 1]
    assert printed[: len(ORGANS) + 1] == organs
    assert printed[-1] == f"Wrote {out / f'case 1.{suffix}'} and {out / 'case 1.json'}."


def test_a_second_ct_leaves_the_first_ones_report(ct, bundle, tmp_path):
    second = ct.with_name("case 2.nii.gz")
    head = head_ct()
    write(Volume(head.array[:-2].copy(), replace(head.geometry, shape=head.array[:-2].shape)), second)
    for given in (ct, second):
        assert main(arguments("segment", given, tmp_path / "out", "--bundle", bundle, "--device", "cpu")) == 0
    reports = [read_report(tmp_path / "out" / f"case {number}.json") for number in (1, 2)]
    assert [report["mask"] for report in reports] == ["case 1.mha", "case 2.mha"]
    assert reports[0]["ct"]["sha256"] != reports[1]["ct"]["sha256"]


def test_a_picture_of_the_organs_that_the_bundle_has(ct, bundle, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(arguments("segment", ct, out, "--bundle", bundle, "--device", "cpu", "--preview")) == 0
    assert sorted(path.name for path in out.iterdir()) == ["case 1.json", "case 1.mha", "case 1.png"]
    assert str(out / "case 1.png") in capsys.readouterr().out
    # the same as by hand, with the names from the report beside the mask
    assert main(arguments("preview", ct, out / "case 1.mha", tmp_path / "again.png")) == 0
    assert (tmp_path / "again.png").read_bytes() == (out / "case 1.png").read_bytes()


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


def test_a_json_file_of_somebody_elses_is_not_overwritten(ct, bundle, tmp_path, capsys):
    sidecar = tmp_path / "case 1.json"
    sidecar.write_text('{"Modality": "CT"}')
    assert main(arguments("segment", ct, tmp_path, "--bundle", bundle)) == 1
    assert f"{sidecar} is no report" in capsys.readouterr().err
    assert sidecar.read_text() == '{"Modality": "CT"}'


def test_a_folder_that_takes_no_file_is_said_before_the_weights_are_looked_at(
    ct, tmp_path, locked_folder, capsys
):
    assert main(arguments("segment", ct, locked_folder / "out", "--bundle", tmp_path / "none")) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hnseg: The output folder {locked_folder / 'out'} cannot be written")


def test_a_full_disk_leaves_nothing(ct, bundle, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    with little_room():
        assert main(arguments("segment", ct, out, "--bundle", bundle, "--device", "cpu")) == 1
    printed = capsys.readouterr()
    assert printed.err == f"hnseg: The output folder {out} cannot be written (File too large).\n"
    assert printed.out == ""
    assert not out.parent.exists()


WAITING = """
import signal, sys
from hnseg_infer import pipeline
from hnseg_infer.cli import main

def segment(*_given, **_named):
    print("running", flush=True)
    signal.pause()

pipeline.segment = segment
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_ends_a_running_case_without_a_trace(ct, bundle, tmp_path):
    call = arguments("segment", ct, tmp_path / "out", "--bundle", bundle, "--device", "cpu")
    with Popen([sys.executable, "-c", WAITING, *call], stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate()
    assert (process.returncode, printed, said) == (130, "", "hnseg: Interrupted.\n")
    assert not (tmp_path / "out").exists()
