"""contoured.json: what it says, and what is refused."""

import json
from pathlib import Path

import pytest

from hnseg_infer.errors import InputError
from hnseg_train.contoured import CONTOURED_FILE, uncontoured

ORGANS = ["brain_stem", "eye_left", "eye_right"]


def say(folder: Path, content: object) -> None:
    (folder / CONTOURED_FILE).write_text(json.dumps(content))


def test_without_a_file_every_organ_was_contoured(tmp_path: Path) -> None:
    assert uncontoured(tmp_path, ORGANS) == ()


def test_organs_that_are_not_named_are_unknown(tmp_path: Path) -> None:
    say(tmp_path, {"organs": ["eye_right"]})
    assert uncontoured(tmp_path, ORGANS) == ("brain_stem", "eye_left")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"organs": []}, "names no organ"),
        ({"organs": ["eye_left", "heart"]}, "names heart"),
        ({"organs": 3}, "cannot be read"),
        ({"organ": ["eye_left"]}, "cannot be read"),
        (["eye_left"], "cannot be read"),
    ],
)
def test_unusable_files_are_refused(content: object, named: str, tmp_path: Path) -> None:
    say(tmp_path, content)
    with pytest.raises(InputError, match=named) as raised:
        uncontoured(tmp_path, ORGANS)
    assert CONTOURED_FILE in str(raised.value)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / CONTOURED_FILE).write_bytes(b"\xff{")
    with pytest.raises(InputError, match="cannot be read"):
        uncontoured(tmp_path, ORGANS)
