"""What a user reads when something goes wrong, and what the exit code says."""

import pytest

from hnseg_infer.errors import InputError, exit_code, sentence


def fails(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InputError("ct.mha holds\n  no voxels."), "ct.mha holds no voxels."),
        (OSError(28, "No space left on device"), "A file cannot be read or written (No space left"),
        (PermissionError(13, "Permission denied", "out/ct.mha"), "out/ct.mha cannot be read or written (P"),
        (MemoryError(), "The memory is not enough"),
        (OSError(12, "Cannot allocate memory"), "The memory is not enough"),
        (RuntimeError("Exception from src/inference: std::bad_alloc"), "The memory is not enough"),
        (RuntimeError("src/inference/src/dev/plugin.cpp:54:\ncan't alloc"), "The memory is not enough"),
        (RuntimeError("Failed to allocate 192937984 bytes of memory"), "The memory is not enough"),
        (RuntimeError("plugin.cpp:54:\nResource temporarily unavailable"), "The memory is not enough"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), "The memory is not enough"),
    ],
)
def test_what_can_be_foreseen_is_one_sentence(error, text, capsys) -> None:
    assert exit_code(lambda: fails(error), "hnseg: ") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"hnseg: {text}")
    assert printed.err.count("\n") == 1
    assert "report it" not in printed.err


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_memory_that_no_machine_has(library, capsys) -> None:
    arrays = pytest.importorskip(library)
    assert exit_code(lambda: arrays.ones(2**50)) == 1
    assert capsys.readouterr().err.startswith("The memory is not enough")


@pytest.mark.parametrize("error", [ValueError("two\nlines"), FileNotFoundError(2, "No such file", "part.py")])
def test_what_nobody_foresaw_shows_where_and_then_one_sentence(error, capsys) -> None:
    assert exit_code(lambda: fails(error)) == 1
    text = capsys.readouterr().err
    assert text.startswith("Traceback")
    assert "in fails" in text
    assert text.splitlines()[-1] == sentence(error)
    assert "please report it" in sentence(error)


def test_an_interrupted_program_ends_as_shells_know_it(capsys) -> None:
    assert exit_code(lambda: fails(KeyboardInterrupt()), "hnseg: ") == 130
    assert capsys.readouterr().err == "hnseg: Interrupted.\n"


def test_success_says_nothing(capsys) -> None:
    assert exit_code(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


def test_a_server_that_was_told_to_end_is_not_in_the_way() -> None:
    with pytest.raises(SystemExit):
        exit_code(lambda: fails(SystemExit(0)))
