"""The image as users get it, in the sandbox of Grand Challenge: no network, nothing writable, a plain user.

``./test.sh`` says by HNSEG_CONTAINER_TESTS that a Docker engine answers and what the image can be built from.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import SimpleITK as sitk  # noqa: N813
from bundle_factory import make_bundle
from paper_bundle import random_bundle
from sandbox import DOCKER, FLAGS, IMAGE, LIMIT, measure_sandboxed, open_folder
from sandbox import run_sandboxed as run
from timing_ct import generated_cases

from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_train.recipes import CHECK, PAPER
from hnseg_train.systems import system_recipe

pytestmark = [pytest.mark.container, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
SMALL_INPUT = ROOT / "test" / "input"


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """Builds the image that every test here runs."""
    if os.environ.get("HNSEG_CONTAINER_TESTS") != "yes":
        pytest.skip("no Docker engine answers; ./test.sh --container starts one")
    subprocess.run([ROOT / "build.sh", "--network", "host"], check=True)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder for the container to write to."""
    return open_folder(tmp_path / "output")


def masks_in(output: Path) -> list[Path]:
    assert {path.name for path in output.iterdir()} == {"images", "results.json"}
    return sorted(path for path in (output / "images").rglob("*") if path.is_file())


def test_small_ct_in_the_layout_of_the_platform(output: Path) -> None:
    result = run(SMALL_INPUT, output)
    assert result.returncode == 0, result.stderr
    assert "  brain_stem  " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Wrote /output/images/head_neck_oar/")
    source = next((SMALL_INPUT / "images" / "ct").iterdir())
    assert masks_in(output) == [output / "images" / "head_neck_oar" / source.name]
    ct, mask = sitk.ReadImage(str(source)), sitk.ReadImage(str(masks_in(output)[0]))
    assert mask.GetPixelID() == sitk.sitkUInt8
    for name in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(mask, name)() == getattr(ct, name)()
    report = json.loads((output / "results.json").read_text())
    shipped = json.loads((ROOT / "model_weights" / "bundle.json").read_text())
    # its pixels are wide
    coarse = shipped["coarse_cts"]
    trained_on = f"{shipped['trained_on']}; 6 of the organs: {coarse['trained_on']}"
    assert report["bundle"] == {"name": shipped["name"], "trained_on": trained_on}
    providers = {organ["name"]: organ["provider"] for organ in report["organs"]}
    assert providers == {**shipped["provider"], **coarse["provider"]}
    voxel_cm3 = ct.GetSpacing()[0] * ct.GetSpacing()[1] * ct.GetSpacing()[2] / 1000
    voxels = sitk.LabelShapeStatisticsImageFilter()
    voxels.Execute(mask)
    for organ in report["organs"]:
        count = voxels.GetNumberOfPixels(organ["id"]) if voxels.HasLabel(organ["id"]) else 0
        assert organ["volume_cm3"] == pytest.approx(count * voxel_cm3, abs=1e-3)


def test_the_same_bytes_whoever_runs_it_and_on_one_cpu(tmp_path: Path) -> None:
    masks = []
    for number, options in enumerate((("--user", "user"), ("--user", "4321:4321"), ("--cpus", "1"))):
        output = open_folder(tmp_path / str(number))
        assert run(SMALL_INPUT, output, *options).returncode == 0
        masks.append(masks_in(output)[0].read_bytes())
    assert masks[0] == masks[1] == masks[2]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a quota below one CPU is not to be seen")
def test_a_quota_is_read_from_the_control_group() -> None:
    program = "from hnseg_infer import cpus; print(cpus.granted_cpus(), cpus.shares_cpus())"
    command = [DOCKER, "run", "--rm", *FLAGS.split(), "--cpus", "1", "--entrypoint", "/opt/venv/bin/python"]
    said = subprocess.run([*command, IMAGE, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["1", "True"]


def test_mounted_weights_are_used_and_verified(output: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    mount = ("--volume", f"{bundle}:/opt/ml/model:ro")
    assert run(SMALL_INPUT, output, *mount).returncode == 0
    assert json.loads((output / "results.json").read_text())["bundle"]["name"] == "tiny"

    shutil.rmtree(output / "images")
    (output / "results.json").unlink()
    (bundle / "2d" / "plans.json").write_text("{}")
    assert_refused(run(SMALL_INPUT, output, *mount), output, "altered or damaged")


def test_the_second_publication_s_system_runs_as_it_is_exported(output: Path, tmp_path: Path) -> None:
    random_bundle(tmp_path / "bundle", system_recipe(CHECK, "nnsam"))
    result = run(SMALL_INPUT, output, "--volume", f"{tmp_path / 'bundle'}:/opt/ml/model:ro")
    assert result.returncode == 0, result.stderr
    assert len(masks_in(output)) == 1
    report = json.loads((output / "results.json").read_text())
    assert {organ["provider"] for organ in report["organs"]} == {"nnsam"}


def assert_refused(result: subprocess.CompletedProcess[str], output: Path, reason: str) -> None:
    assert result.returncode == 1
    # engines put warnings of their own before it on some machines
    assert reason in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert list(output.iterdir()) == []


def test_an_empty_input_folder_is_refused(output: Path, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    assert_refused(run(tmp_path / "input", output), output, "holds no CT (found: nothing)")


def test_a_text_file_named_mha_is_refused(output: Path, tmp_path: Path) -> None:
    source = tmp_path / "input" / "images" / "ct" / "ct.mha"
    source.parent.mkdir(parents=True)
    source.write_text("not an image\n")
    assert_refused(run(tmp_path / "input", output), output, "ct.mha")


def test_two_images_are_refused(output: Path, tmp_path: Path) -> None:
    folder = tmp_path / "input" / "images" / "ct"
    shutil.copytree(SMALL_INPUT / "images" / "ct", folder)
    shutil.copy(next(folder.iterdir()), folder / "another.mha")
    assert_refused(run(tmp_path / "input", output), output, "holds 2 images")


def test_real_ct_as_dicom_folder_and_as_metaimage(shared_data: Path, output: Path, tmp_path: Path) -> None:
    series = shared_data / "ct" / "head_neck_dicom"
    result = run(series, output, timeout=LIMIT)
    assert result.returncode == 0, result.stderr
    from_dicom = masks_in(output)[0]
    ct = read_ct(series)
    assert read_labels(from_dicom).geometry == ct.geometry

    source = tmp_path / "input" / "images" / "ct" / "case.mha"
    source.parent.mkdir(parents=True)
    write(ct, source)
    again = open_folder(tmp_path / "again")
    assert run(tmp_path / "input", again, timeout=LIMIT).returncode == 0
    assert masks_in(again)[0].read_bytes() == from_dicom.read_bytes()


def test_real_ct_as_nifti(shared_data: Path, output: Path, tmp_path: Path) -> None:
    name = "head_neck_shoulders.nii.gz"
    (tmp_path / "input").mkdir()
    shutil.copy(shared_data / "ct" / name, tmp_path / "input" / name)
    result = run(tmp_path / "input", output, timeout=LIMIT)
    assert result.returncode == 0, result.stderr
    assert read_labels(masks_in(output)[0]).geometry == read_ct(tmp_path / "input" / name).geometry


def test_a_full_size_case_stays_within_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The publication's network sizes (random weights) on 512 x 512 x 130 voxels, as the challenge counts."""
    random_bundle(tmp_path / "bundle", PAPER)
    tmp_path.chmod(0o755)
    (case,) = generated_cases(tmp_path, [130])
    output = open_folder(tmp_path / "output")
    run = measure_sandboxed(case.folder, output, "--volume", f"{tmp_path / 'bundle'}:/opt/ml/model:ro")
    assert run.result.returncode == 0, run.result.stderr
    size = subprocess.run(
        [DOCKER, "image", "inspect", "--format", "{{.Size}}", IMAGE],
        capture_output=True,
        text=True,
        check=True,
    )
    with capsys.disabled():
        print(
            f"\n{case.name}, paper size, container: {run.seconds:.1f} s of {LIMIT} s allowed, peak memory "
            f"{run.peak_mib or float('nan'):.0f} MiB; image {int(size.stdout) / 1e9:.2f} GB"
        )
    assert read_labels(masks_in(output)[0]).geometry == read_ct(case.ct).geometry
    assert run.seconds <= LIMIT
