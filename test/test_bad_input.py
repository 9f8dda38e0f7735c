"""Every bad input of the container, through ``process.py`` as its own process with nothing replaced.

Each must end with a non-zero exit, one plain sentence about what was wrong, and an untouched output folder.
"""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from bundle_factory import make_bundle

from hnseg_infer.formats import write
from hnseg_infer.volume import Volume

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

Maker = Callable[[Path, Volume], object]


def save(array: np.ndarray, path: Path, *, vector: bool = False) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))


def changed(head: Volume, change: Callable[[np.ndarray], np.ndarray]) -> Volume:
    return Volume(change(head.array.astype(np.float32)), head.geometry)


def with_nan(array: np.ndarray) -> np.ndarray:
    array[5, 5, 5] = np.nan
    return array


def two_images(folder: Path, head: Volume) -> None:
    write(head, folder / "a.mha")
    write(head, folder / "b.nii.gz")


def truncated_gzip(folder: Path, head: Volume) -> None:
    write(head, folder / "ct.nii.gz")
    content = (folder / "ct.nii.gz").read_bytes()
    (folder / "ct.nii.gz").write_bytes(content[: len(content) // 2])


def zero_spacing(folder: Path, head: Volume) -> None:
    write(head, folder / "ct.nii.gz")
    header = bytearray(gzip.decompress((folder / "ct.nii.gz").read_bytes()))
    # pixdim[3] of the NIfTI-1 header
    header[88:92] = np.float32(0).tobytes()
    (folder / "ct.nii.gz").write_bytes(gzip.compress(bytes(header)))


def header(size: str, file: str) -> str:
    return (
        f"ObjectType = Image\nNDims = 3\nDimSize = {size}\nElementType = MET_SHORT\n"
        f"ElementSpacing = 1 1 3\nElementDataFile = {file}\n"
    )


def cut_short_slice(folder: Path, head: Volume) -> None:
    for number in range(10):
        save(head.array[number][None], folder / f"{number}.dcm")
    content = (folder / "4.dcm").read_bytes()
    (folder / "4.dcm").write_bytes(content[: len(content) // 2])


INPUTS: dict[str, tuple[Maker, str]] = {
    "empty folder": (lambda folder, head: None, "no CT"),
    "two images": (two_images, "2 images"),
    "text file": (lambda folder, head: (folder / "ct.mha").write_text("hello\n"), "ct.mha"),
    "truncated gzip": (truncated_gzip, "ct.nii.gz"),
    "2D": (lambda folder, head: save(head.array[20], folder / "ct.mha"), "ct.mha"),
    "4D": (lambda folder, head: save(np.stack([head.array] * 2), folder / "ct.nii.gz"), "ct.nii.gz"),
    "RGB": (
        lambda folder, head: save(np.zeros((20, 30, 40, 3), np.uint8), folder / "ct.mha", vector=True),
        "ct.mha",
    ),
    "all air": (
        lambda folder, head: write(changed(head, lambda hu: np.minimum(hu, -990)), folder / "ct.mha"),
        "ct.mha",
    ),
    "not a number": (lambda folder, head: write(changed(head, with_nan), folder / "ct.mha"), "finite"),
    "zero spacing": (zero_spacing, "spacing"),
    "terabytes": (
        lambda folder, head: (folder / "ct.mha").write_text(header("99999 99999 99999", "LOCAL")),
        "99999 voxels",
    ),
    "another's file": (
        lambda folder, head: (folder / "ct.mhd").write_text(header("64 64 20", "/etc/passwd")),
        "beside it or below",
    ),
    "cut-short slice": (cut_short_slice, "4.dcm"),
}


def process(source: Path, output: Path, model: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "process.py", "--input", source, "--output", output, "--model", model]
    return subprocess.run([*map(str, command), "--device", "cpu"], cwd=ROOT, capture_output=True, text=True)


def assert_refused(result: subprocess.CompletedProcess[str], said: str, output: Path) -> None:
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert said in lines[0]
    assert not lines[0].startswith(("Traceback", "HNSeg itself failed"))
    assert list(output.iterdir()) == []


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    source, output = tmp_path / "input", tmp_path / "output"
    source.mkdir()
    output.mkdir()
    return source, output


@pytest.mark.parametrize("name", INPUTS)
def test_bad_ct(name: str, folders: tuple[Path, Path], small_head: Volume, bundle: Path) -> None:
    make, said = INPUTS[name]
    make(folders[0], small_head)
    assert_refused(process(*folders, bundle), said, folders[1])


def alter_checksum(bundle: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    first = next(iter(manifest["sha256"]))
    manifest["sha256"][first] = "0" * 64
    (bundle / "bundle.json").write_text(json.dumps(manifest))


def remove_model(bundle: Path) -> None:
    shutil.rmtree(next(path for path in sorted(bundle.iterdir()) if path.is_dir()))


@pytest.mark.parametrize(("damage", "said"), [(alter_checksum, "checksum"), (remove_model, "missing")])
def test_bad_bundle(
    damage: Callable[[Path], None],
    said: str,
    folders: tuple[Path, Path],
    small_head: Volume,
    bundle: Path,
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    damage(broken)
    write(small_head, folders[0] / "ct.mha")
    assert_refused(process(*folders, broken), said, folders[1])


def test_the_same_call_with_a_good_ct_succeeds(
    folders: tuple[Path, Path], small_head: Volume, bundle: Path
) -> None:
    write(small_head, folders[0] / "ct.mha")
    result = process(*folders, bundle)
    assert result.returncode == 0, result.stderr
    assert (folders[1] / "results.json").is_file()
