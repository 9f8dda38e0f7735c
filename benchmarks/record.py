"""What every benchmark leaves behind: JSON and a Markdown page, with the command and the machine in both."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from machine import command_line, describe_machine

from hnseg_infer.files import write_whole
from hnseg_train.evaluation.table import markdown_table, number

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Check:
    """One acceptance threshold and what was measured."""

    criterion: str
    measured: float | None
    passed: bool


def add_output_options(parser: ArgumentParser, name: str) -> None:
    """``--out`` and ``--name``: where ``write_result`` writes."""
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the two result files")
    parser.add_argument("--name", default=name, help="their name without suffix (default: %(default)s)")


def origin() -> dict[str, Any]:
    """Command and machine, for the JSON file."""
    return {"command": command_line(), "machine": describe_machine()}


def origin_line(result: Mapping[str, Any], device: str) -> str:
    """The same as one line for the page; ``device`` is what the networks ran on."""
    machine = result["machine"]
    return (
        f"`{result['command']}` on {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"torch {machine['torch']}, openvino {machine['openvino']}; device: {device}."
    )


def write_result(arguments: Namespace, result: Mapping[str, Any], page: Sequence[str]) -> None:
    """Write both files, each complete or not at all, and print the page."""
    text = "\n".join([*page, ""])
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_whole(arguments.out / f"{arguments.name}.json", [f"{json.dumps(result, indent=1)}\n".encode()])
    write_whole(arguments.out / f"{arguments.name}.md", [text.encode()])
    print(text)


def check_table(checks: Sequence[Check]) -> list[str]:
    """One line per threshold."""
    verdict = {True: "pass", False: "**fail**"}
    return markdown_table(
        ("threshold", "measured", ""),
        [(item.criterion, number(item.measured, 3), verdict[item.passed]) for item in checks],
    )


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, and all values behind it where there are several; a dash for none."""
    if not values:
        return "-"
    middle = f"{median(values):.{digits}f}"
    return (
        middle if len(values) == 1 else f"{middle} ({', '.join(f'{value:.{digits}f}' for value in values)})"
    )
