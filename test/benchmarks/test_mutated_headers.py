"""Mutations come again by their seed, the guarded process is watched, and a few files of each format."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from guarded_reader import FAILURES, GuardedReader
from header_mutations import FORMATS, mutated
from mutated_headers import FormatCounts, check, write_files


def made(name: str, number: int) -> dict[str, bytes]:
    return mutated(name, np.random.default_rng(number)).files


@pytest.mark.parametrize("name", FORMATS)
def test_a_seed_makes_the_same_files_again_and_another_one_others(name: str) -> None:
    files = [made(name, number) for number in range(40)]
    assert files == [made(name, number) for number in range(40)]
    assert len({str(sorted(item.items())) for item in files}) > 30


def test_a_single_failure_fails() -> None:
    good = FormatCounts("NRRD", 3, {"read": 2, "refused": 1}, 1.0, 0.1, 1.0, [])
    assert all(item.passed for item in check([good]))
    for kind in FAILURES:
        bad = FormatCounts("NRRD", 3, {"read": 2, kind: 1}, 1.0, 0.1, 1.0, [{}])
        assert [item.measured for item in check([good, bad]) if not item.passed] == [1.0]


def test_what_was_not_changed_is_read_and_a_crash_is_survived(tmp_path: Path) -> None:
    with GuardedReader() as reader:
        for samples, _ in FORMATS.values():
            for sample in samples:
                write_files(sample, tmp_path / "ct")
                assert reader.read(tmp_path / "ct" / sample.entry).kind == "read"
        own = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
        os.kill(int(Path(own).read_text().split()[-1]), signal.SIGSEGV)
        assert reader.read(tmp_path / "ct" / sample.entry).kind == "crash"
        assert reader.read(tmp_path / "ct" / sample.entry).kind == "read"
        assert reader.read(tmp_path / "nowhere").kind == "refused"


@pytest.mark.slow
def test_a_few_of_each_format(script) -> None:
    code, result, page = script("mutated_headers", "--count", "25", "--seed", "3")
    assert code == 0
    assert [sum(item["outcomes"].values()) for item in result["formats"]] == [25] * 4
    assert all(item["outcomes"]["refused"] > 0 and item["failed"] == [] for item in result["formats"])
    assert "| DICOM | 25 |" in page
