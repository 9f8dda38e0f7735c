"""The command as a user calls it: as a module, without training's packages, completed by a shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hnseg_infer import __version__
from hnseg_infer.cli import main


def test_the_package_is_the_command() -> None:
    module = subprocess.run(
        [sys.executable, "-m", "hnseg_infer", "--version"], check=True, capture_output=True, text=True
    )
    assert module.stdout == f"hnseg {__version__}\n"


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("yaml", ["train", "--cohort", "cohort.yaml", "--work", "work"]),
        ("grand_challenge_metrics", ["evaluate", "mask.mha", "mask.mha"]),
    ],
)
def test_what_training_lacks_is_named_with_the_extra_that_brings_it(
    package: str,
    arguments: list[str],
    head_ct,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from hnseg_infer import Volume, write

    write(Volume((head_ct.array > 500).astype("uint8"), head_ct.geometry), tmp_path / "mask.mha")
    (tmp_path / "cohort.yaml").write_text("data: []")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said == (
        f"hnseg: This needs {package}, which is not installed: "
        "pip install 'hnseg[train]' adds all of training.\n"
    )


@pytest.mark.parametrize(
    ("line", "offered"),
    [("hnseg seg", "segment "), ("hnseg segment ct out --device c", "cuda\vcpu"), ("hnseg ev", "evaluate ")],
)
def test_a_shell_completes_commands_options_and_choices(line: str, offered: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\v",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([sys.executable, "-m", "hnseg_infer"], env=environment, check=True, capture_output=True)
    assert answer.read_text() == offered
