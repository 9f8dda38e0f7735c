"""Stages, and the items of work that they consist of: what is unchanged is skipped, the rest is done.

An item is the unit that an interruption costs at most: one case, one fold, one file. Its record is written
when all of its files are complete, and holds a checksum of everything that went into it; so nothing
half-written is taken for whole, and a changed input makes exactly the items anew that depend on it.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from hnseg_infer.errors import InputError
from hnseg_infer.files import write_whole
from hnseg_train.stages.records import Ledger, digest


@dataclass(frozen=True)
class Item:
    """One piece of work. inputs: JSON values that decide what comes out. make: does it, returns its files.

    resumes_in: the folder in which ``make`` goes on after an interruption, while the inputs are the same.
    """

    name: str
    inputs: Any
    make: Callable[[], Sequence[Path]]
    resumes_in: Path | None = None


@dataclass(frozen=True)
class Stage:
    """A named group of items. needs: stages that must be done before. makes: said by ``--list``.

    items: called when what the stage needs is done; later items may rest on records of earlier ones.
    before: called once before the first item that is to be made.
    """

    name: str
    needs: tuple[str, ...]
    makes: str
    items: Callable[[], Iterable[Item]]
    before: Callable[[], None] | None = None


class State(StrEnum):
    """How far a stage is."""

    DONE = "done"
    PARTIAL = "partial"
    CHANGED = "inputs changed"
    TO_DO = "to do"


TAG = "inputs.sha256"
"""In a folder with unfinished work: the checksum of the inputs that it belongs to."""


def states(stages: Sequence[Stage], ledger: Ledger) -> dict[str, State]:
    """The state of every stage, in order."""
    found: dict[str, State] = {}
    for stage in stages:
        ready = all(found[need] == State.DONE for need in stage.needs)
        found[stage.name] = _state(stage, ledger, ready)
    return found


def run_stages(
    stages: Sequence[Stage], ledger: Ledger, only: Collection[str], say: Callable[[str], None]
) -> None:
    """Do what is not done, in order; ``only`` names the stages to run, none stands for all.

    Raises InputError when a stage of ``only`` needs one that is not done.
    """
    found = states(stages, ledger) if only else {}
    for stage in stages:
        if only and stage.name not in only:
            continue
        missing = [need for need in stage.needs if only and found[need] != State.DONE]
        if missing:
            raise InputError(
                f"The stage {stage.name} needs {' and '.join(missing)}, which must be run first "
                f"({', '.join(f'{need}: {found[need]}' for need in missing)})."
            )
        _run(stage, ledger, say)
        found[stage.name] = State.DONE


def _run(stage: Stage, ledger: Ledger, say: Callable[[str], None]) -> None:
    made, names = 0, []
    for item in stage.items():
        names.append(item.name)
        if ledger.is_current(stage.name, item.name, digest(item.inputs)):
            continue
        if not made and stage.before is not None:
            stage.before()
        say(f"{stage.name}: {item.name}")
        ledger.forget(stage.name, item.name)
        if item.resumes_in is not None:
            _keep_only_same(item.resumes_in, digest(item.inputs))
        ledger.write(stage.name, item.name, item.inputs, item.make())
        made += 1
    ledger.finish(stage.name, names)
    say(f"{stage.name}: {f'{made} of {len(names)} made, ' if made else 'unchanged, '}done")


def _state(stage: Stage, ledger: Ledger, ready: bool) -> State:
    finished = ledger.finished(stage.name)
    names: list[str] = []
    for item in stage.items() if ready else ():
        wanted = digest(item.inputs)
        if not ledger.is_current(stage.name, item.name, wanted):
            started = bool(names) or (item.resumes_in is not None and _tag(item.resumes_in) == wanted)
            return State.CHANGED if finished is not None else State.PARTIAL if started else State.TO_DO
        names.append(item.name)
    if ready and finished == names:
        return State.DONE
    if finished is not None:
        return State.CHANGED
    return State.PARTIAL if names or ledger.started(stage.name) else State.TO_DO


def _keep_only_same(folder: Path, wanted: str) -> None:
    """Leave a folder with work on the same inputs or none; raises InputError for work of unknown origin."""
    outdated = folder.with_name(f"{folder.name}.outdated")
    shutil.rmtree(outdated, ignore_errors=True)
    if folder.exists():
        if _tag(folder) == wanted:
            return
        if _tag(folder) is None and any(folder.iterdir()):
            raise InputError(f"{folder} holds work that this road did not make; accepted is a new folder.")
        # renamed first: an interrupted removal must not look like work to go on with
        folder.rename(outdated)
        shutil.rmtree(outdated)
    folder.mkdir(parents=True)
    write_whole(folder / TAG, [wanted.encode()])


def _tag(folder: Path) -> str | None:
    path = folder / TAG
    return path.read_text() if path.is_file() else None
