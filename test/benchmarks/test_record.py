"""Result files: both or none, tables as Markdown reads them."""

import json
from argparse import ArgumentParser

import pytest
from record import Check, add_output_options, check_table, origin, origin_line, spread, write_result


def test_median_and_all_values():
    assert spread([]) == "-"
    assert spread([1.234]) == "1.23"
    assert spread([3.0, 1.0, 2.5], 1) == "2.5 (3.0, 1.0, 2.5)"
    assert spread([1.0, 2.0]) == "1.50 (1.00, 2.00)"


def test_thresholds():
    lines = check_table([Check("a <= 1", 0.5, True), Check("b: 0", None, False)])
    assert lines[2:] == ["| a <= 1 | 0.500 | pass |", "| b: 0 | - | **fail** |"]


def test_both_files_have_the_name_asked_for_and_nothing_else_stays(tmp_path, capsys):
    parser = ArgumentParser()
    add_output_options(parser, "figures")
    named = parser.parse_args(["--out", str(tmp_path / "new" / "folder"), "--name", "other"])
    write_result(named, {"seconds": [1.5]}, ["# Page", "", "text"])
    assert {path.name for path in named.out.iterdir()} == {"other.json", "other.md"}
    assert json.loads((named.out / "other.json").read_text()) == {"seconds": [1.5]}
    assert (named.out / "other.md").read_text() == "# Page\n\ntext\n"
    assert "# Page" in capsys.readouterr().out
    assert parser.parse_args([]).name == "figures"


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    arguments = ArgumentParser()
    add_output_options(arguments, "figures")
    with pytest.raises(TypeError):
        write_result(arguments.parse_args(["--out", str(tmp_path)]), {"seconds": object()}, [])
    assert list(tmp_path.iterdir()) == []


def test_origin_names_command_machine_and_device():
    line = origin_line(origin(), "cpu (somehow)")
    assert line.startswith("`python benchmarks/")
    assert " cores, " in line
    assert line.endswith("; device: cpu (somehow).")
