"""The images as Grand Challenge runs them: its own client starts their command and takes it through cases.

The client (``sagemaker-shim``) and what stands for the platform's storage are a layer that only the tests
add, see ``shim/``. ``./test.sh`` says by HNSEG_CONTAINER_TESTS that a Docker engine answers.
"""

import base64
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from bundle_factory import make_bundle
from paper_bundle import random_bundle
from sandbox import DOCKER, IMAGE, INVOKE_IMAGE, LIMIT, open_folder
from synthetic_head import head_ct

from hnseg_infer import __version__
from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.volume import Volume
from hnseg_train.recipes import PAPER

pytestmark = [pytest.mark.container, pytest.mark.slow]

ROOT = Path(__file__).parents[1]

METHODS = {"exec": IMAGE, "invoke": INVOKE_IMAGE}

SLUG = "head_neck_oar"

FLAGS = "--network none --pids-limit 256 --shm-size 128m --memory 8g"
"""Of the sandbox; the client is root there and writes where it likes."""


@dataclass(frozen=True)
class Run:
    """What the client said and what it put into the storage, below ``results``."""

    returncode: int
    log: list[str]
    results: Path

    def result(self, case: str) -> dict[str, Any]:
        report = self.results / case / ".sagemaker_shim" / "inference_result.json"
        content: dict[str, Any] = json.loads(report.read_text())
        return content


@pytest.fixture(scope="module")
def images() -> Mapping[str, dict[str, Any]]:
    """Builds both images, and both with the client; returns their configurations, by method."""
    if os.environ.get("HNSEG_CONTAINER_TESTS") != "yes":
        pytest.skip("no Docker engine answers; ./test.sh --container starts one")
    configs = {}
    for method, name in METHODS.items():
        subprocess.run([ROOT / "build.sh", "--method", method, "--network", "host"], check=True)
        configs[method] = configuration(name)
        arguments = ["--build-arg", f"IMAGE={name}", "--network", "host"]
        if build_image := os.environ.get("BUILD_IMAGE"):
            arguments += ["--build-arg", f"BUILD_IMAGE={build_image}"]
        command = [DOCKER, "build", "--tag", f"{name}-client", *arguments, ROOT / "test" / "shim"]
        subprocess.run(command, check=True)
    return configs


def configuration(image: str) -> dict[str, Any]:
    """What the platform reads of an image."""
    inspect = subprocess.run([DOCKER, "image", "inspect", image], capture_output=True, check=True)
    config: dict[str, Any] = json.loads(inspect.stdout)[0]["Config"]
    return config


@pytest.fixture
def take_through(images: Mapping[str, dict[str, Any]], tmp_path: Path) -> Any:
    """Runs the client on what lies in ``cases`` below ``tmp_path``, with ``bundle`` as uploaded weights."""

    def run(method: str, timeout: str) -> Run:
        config = images[method]
        with tarfile.open(tmp_path / "model.tar", "w") as archive:
            archive.add(tmp_path / "bundle", ".")
        results = open_folder(tmp_path / method)
        name = f"hnseg-client-{os.getpid()}"
        command = [DOCKER, "run", "--rm", "--name", name, *FLAGS.split(), "--volume", f"{results}:/results"]
        for source in ("cases", "model.tar"):
            command += ["--volume", f"{tmp_path / source}:/{source}:ro"]
        settings = {
            "API_METHOD": config["Labels"]["org.grand-challenge.api-method"],
            "ENTRYPOINT_B64J": base64.b64encode(json.dumps(config["Entrypoint"]).encode()).decode(),
            "CMD_B64J": base64.b64encode(json.dumps(config["Cmd"]).encode()).decode(),
            "USER": config["User"],
        }
        for setting, value in settings.items():
            command += ["--env", f"GRAND_CHALLENGE_COMPONENT_{setting}={value}"]
        try:
            result = subprocess.run(
                [*command, f"{METHODS[method]}-client", timeout],
                capture_output=True,
                text=True,
                timeout=10 * LIMIT,
                check=False,
            )
        finally:
            # ending the command of a run that hangs does not end the container
            subprocess.run([DOCKER, "kill", name], capture_output=True, check=False)
        said = (result.stdout + result.stderr).splitlines()
        return Run(result.returncode, [json.loads(line)["log"] for line in said if line[:1] == "{"], results)

    return run


def write_case(folder: Path, ct: Volume) -> None:
    """A case as the platform has it for an algorithm with one image."""
    image = folder / "images" / "planning-ct" / f"{folder.name}.mha"
    image.parent.mkdir(parents=True)
    write(ct, image)
    socket = {"slug": "planning-ct", "relative_path": "images/planning-ct", "super_kind": "Image"}
    (folder / "inputs.json").write_text(json.dumps([{"socket": socket, "image": {"name": image.name}}]))


def finely_sampled(ct: Volume, times: int) -> Volume:
    """Every pixel of a slice as ``times`` x ``times`` small ones."""
    array = ct.array.repeat(times, axis=1).repeat(times, axis=2)
    x, y, z = ct.geometry.spacing
    return Volume(array, replace(ct.geometry, shape=array.shape, spacing=(x / times, y / times, z)))


def stored(run: Run, case: str) -> set[str]:
    """What the algorithm left for the platform."""
    folder = run.results / case
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return files - {".sagemaker_shim/inference_result.json"}


def test_only_the_server_starts_by_itself_and_says_so(images: Mapping[str, dict[str, Any]]) -> None:
    labels = {method: config["Labels"]["org.grand-challenge.api-method"] for method, config in images.items()}
    assert labels == {"exec": "exec", "invoke": "invoke"}
    assert {method: config["Cmd"] for method, config in images.items()} == {"exec": None, "invoke": ["serve"]}
    assert list(images["invoke"]["ExposedPorts"]) == ["4743/tcp"]
    assert images["invoke"]["Labels"]["org.opencontainers.image.version"] == __version__


def test_slugs_are_in_the_image(images: Mapping[str, dict[str, Any]]) -> None:
    assert {"HNSEG_INPUT_SLUG=ct", f"HNSEG_OUTPUT_SLUG={SLUG}"} <= set(images["invoke"]["Env"])
    arguments = ["--build-arg", "INPUT_SLUG=planning-ct", "--build-arg", "OUTPUT_SLUG=organs"]
    for name in ("BASE_IMAGE", "BUILD_IMAGE"):
        if os.environ.get(name):
            arguments += ["--build-arg", f"{name}={os.environ[name]}"]
    # not by build.sh, which would leave the image of that name to whoever runs the tests
    command = [DOCKER, "build", "--quiet", "--network", "host", "--target", "invoke", *arguments, ROOT]
    built = subprocess.run(command, capture_output=True, text=True, check=True)
    env = set(configuration(built.stdout.strip())["Env"])
    assert {"HNSEG_INPUT_SLUG=planning-ct", "HNSEG_OUTPUT_SLUG=organs"} <= env


def test_cases_give_the_same_masks_in_both_ways(take_through: Any, tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    for number in (1, 2):
        write_case(tmp_path / "cases" / f"case{number}", head_ct(number))
    write_case(tmp_path / "cases" / "case3", head_ct(3))
    (tmp_path / "cases" / "case3" / "images" / "planning-ct" / "case3.mha").write_text("not an image\n")

    runs = {method: take_through(method, "PT10M") for method in METHODS}
    for run in runs.values():
        assert run.returncode == 0
        for name in ("case1", "case2"):
            assert run.result(name)["return_code"] == 0, run.log
            assert stored(run, name) == {f"images/{SLUG}/{name}.mha", "results.json"}
            mask = run.results / name / "images" / SLUG / f"{name}.mha"
            source = tmp_path / "cases" / name / "images" / "planning-ct" / f"{name}.mha"
            assert read_labels(mask).geometry == read_ct(source).geometry
            report = json.loads((run.results / name / "results.json").read_text())
            assert report["bundle"]["name"] == "tiny"
        assert stored(run, "case3") == set()
        refused = run.result("case3")
        assert refused["return_code"] == 1
        assert "case3.mha" in refused["user_process_last_stderr_lines"][-1]
        assert any("Setting up linked input from /input to" in line for line in run.log)
    for name in ("case1", "case2"):
        masks = [run.results / name / "images" / SLUG / f"{name}.mha" for run in runs.values()]
        assert masks[0].read_bytes() == masks[1].read_bytes()

    invoked = runs["invoke"].log
    # any other answer would have cost 10 s
    answers = [line for line in invoked if line.startswith("Health endpoint returned")]
    assert answers == ["Health endpoint returned status code 200"]
    assert "Process group terminated" in invoked


def test_both_end_within_the_grace_when_the_time_is_over(take_through: Any, tmp_path: Path) -> None:
    """In the middle of networks that take longer than the case may."""
    random_bundle(tmp_path / "bundle", PAPER)
    write_case(tmp_path / "cases" / "case", finely_sampled(head_ct(1), 9))
    for method in METHODS:
        run = take_through(method, "PT3S")
        assert run.returncode == 0
        assert run.result("case")["return_code"] == 1
        assert "ime limit exceeded" in run.result("case")["user_safe_error_message"]
        assert "Process group terminated" in run.log
        assert not any("did not exit within grace period" in line for line in run.log)
