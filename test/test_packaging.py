"""The wheel in an environment of its own, away from the repository and without training's packages."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

import hnseg_infer

ROOT = Path(__file__).parents[1]
SOURCES = ("hnseg_infer", "hnseg_train", "model_weights", "bundles")
TRAINING_ALONE = (
    "acvl_utils", "batchgenerators", "batchgeneratorsv2", "dynamic_network_architectures", "evalutils",
    "grand_challenge_metrics", "matplotlib", "nnunetv2", "skimage", "tensorboard", "yaml",
)  # fmt: skip

SNIPPET = """
from pathlib import Path

import hnseg_infer
from hnseg_infer import Geometry, LoadedBundle, Prediction, Volume, from_array, load, read_ct, segment, write

loaded: LoadedBundle = load("openkbp6", device="cpu")
volume: Volume = read_ct("ct.nii.gz")
prediction: Prediction = segment(volume, bundle=loaded)
prediction = hnseg_infer.segment(read_ct(Path("ct.nii.gz")), bundle="default")
write(prediction.labels, "mask.nii.gz")
volumes: list[float] = [organ.volume_cm3 for organ in prediction.organs]
geometry = Geometry((1, 2, 3), [1.0, 1, 1], (0.0, 0.0, 0.0), [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
from_array([[[0.0]]], spacing_zyx=(3.0, 1.0, 1.0), direction=geometry.matrix)
wrong: str = segment(volume)
segment("ct.nii.gz")
hnseg_infer.sgment
"""
"""What a user writes; the last three lines are mistakes."""


def built(kind: str, source: Path, out: Path) -> Path:
    """A wheel or sdist of the sources."""
    out.mkdir()
    command = [sys.executable, "-m", "build", "-n", f"--{kind}", "--outdir", str(out), str(source)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    (file,) = out.iterdir()
    return file


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a checkout has, with what an earlier build left."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file() and path.name[0] != ".":
            shutil.copy(path, folder)
    stale = folder / "build" / "lib" / "hnseg_infer" / "of_last_year.py"
    stale.parent.mkdir(parents=True)
    stale.touch()
    return folder


@pytest.fixture(scope="module")
def wheel(sources: Path) -> Path:
    return built("wheel", sources, sources / "dist")


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, this environment's packages, but none of training's."""
    home = tmp_path_factory.mktemp("home")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq", "--no-deps", str(wheel)]
    subprocess.run(pip, check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(
        f"{sysconfig.get_path('purelib')}\n"
        f"import sys; sys.modules.update(dict.fromkeys({TRAINING_ALONE!r}))\n"
    )
    return python


def run(python: Path, folder: Path, *arguments: str) -> str:
    """Standard output of a command in an empty environment; fails with what it wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(python), *arguments], cwd=folder, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(wheel: Path) -> Mapping[str, str]:
    with zipfile.ZipFile(wheel) as file:
        return {name: hashlib.sha256(file.read(name)).hexdigest() for name in file.namelist()}


@pytest.mark.slow
def test_the_sdist_and_the_checkout_give_one_wheel(wheel: Path, sources: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(built("sdist", sources, tmp_path / "sdist"), tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("hnseg-*")
    again = built("wheel", unpacked, tmp_path / "wheel")
    assert contents(again) == contents(wheel)
    assert again.read_bytes() == wheel.read_bytes()
    assert not any("of_last_year" in name for name in contents(wheel))


@pytest.mark.slow
def test_the_installed_command_segments_as_the_repository_does(
    python: Path, tmp_path: Path
) -> None:
    (ct,) = (ROOT / "test" / "input").rglob("*.mha")
    shutil.copy(ct, tmp_path / "ct.mha")
    # a folder of that name must not hide the bundle
    (tmp_path / "openkbp6").mkdir()
    hnseg = str(python.with_name("hnseg"))
    run(python, tmp_path, hnseg, "segment", "ct.mha", "out", "--bundle", "openkbp6", "--device", "cpu")
    expected = hnseg_infer.segment(hnseg_infer.read_ct(ct), bundle="openkbp6", device="cpu").labels
    hnseg_infer.write(expected, tmp_path / "expected.mha")
    assert (tmp_path / "out" / "ct.mha").read_bytes() == (tmp_path / "expected.mha").read_bytes()
    assert set(np.unique(expected.array)) == {0, 1, 12, 13, 20, 21, 22}


@pytest.mark.slow
def test_the_installed_package_has_both_bundles_and_its_own_files(python: Path, tmp_path: Path) -> None:
    script = (
        "import hnseg_infer; from hnseg_infer.bundle import load_bundle\n"
        "print(hnseg_infer.__file__)\n"
        "for name in ('default', 'openkbp6'): print(load_bundle(name).folder)"
    )
    package, default, other = run(python, tmp_path, "-c", script).split()
    weights = Path(package).parent / "weights"
    assert weights.is_relative_to(python.parents[1])
    assert (Path(default), Path(other)) == (weights / "model_weights", weights / "bundles" / "openkbp6")
    assert "hnseg [-h]" in run(python, tmp_path, "-m", "hnseg_infer", "--help")


@pytest.mark.slow
def test_a_type_checker_knows_the_installed_package(python: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(SNIPPET)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "user.py"]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True)
    errors = [line.split(": error: ") for line in done.stdout.splitlines() if ": error: " in line]
    lines = len(SNIPPET.splitlines())
    assert [place for place, _ in errors] == [f"user.py:{lines - back}" for back in (2, 1, 0)]
    assert '"Prediction"' in errors[0][1]
    assert '"Volume"' in errors[1][1]
    assert "no attribute" in errors[2][1]


def test_what_the_tests_run_on_lies_in_the_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    pins: dict[str, str] = {}
    for name in ("requirements.txt", "training/requirements.txt"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        pins |= dict(line.lower().split("==") for line in lines if "==" in line)
    for wanted in map(Requirement, (*project["dependencies"], *extras["train"], *extras["nnunet"])):
        assert wanted.specifier.contains(pins[wanted.name.lower()]), wanted


def imported(package: str) -> set[str]:
    """Distributions, as they call themselves in lower case, that a package imports anywhere."""
    names: set[str] = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    others = names - set(sys.stdlib_module_names) - {"hnseg_infer", "hnseg_train"}
    known = packages_distributions()
    return {known[name][0].lower() for name in others}


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]

    def declared(*lists: list[str]) -> set[str]:
        return {Requirement(line).name.lower() for lines in lists for line in lines}

    inference = declared(project["dependencies"], extras["completion"])
    assert imported("hnseg_infer") == inference
    assert imported("hnseg_train") <= inference | declared(extras["train"])


def test_the_citation_names_the_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {hnseg_infer.__version__}" in citation.splitlines()
