"""The stage engine on stages that write small text files: skips, changes, interruptions, states."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hnseg_infer.errors import HNSegError, InputError
from hnseg_train.stages.engine import TAG, Item, Stage, State, run_stages, states
from hnseg_train.stages.records import Ledger, digest


class PowerCutError(Exception):
    """Stands for the end of the process."""


class Kitchen:
    """Two stages: ``cut`` makes one file per ingredient, ``cook`` one dish of all of them."""

    def __init__(self, work: Path) -> None:
        self.work, self.ledger = work, Ledger(work)
        self.ingredients = {"leek": 1, "oat": 2}
        self.made: list[str] = []
        self.cut_off: str | None = None

    @property
    def stages(self) -> list[Stage]:
        return [Stage("cut", (), "pieces", self._cut), Stage("cook", ("cut",), "a dish", self._cook)]

    def run(self, *only: str) -> list[str]:
        """What was made in this run."""
        self.made.clear()
        run_stages(self.stages, self.ledger, only, lambda line: None)
        return list(self.made)

    def states(self) -> list[State]:
        return list(states(self.stages, self.ledger).values())

    def _cut(self) -> Iterator[Item]:
        for name, amount in self.ingredients.items():
            yield Item(name, {"amount": amount}, self._make(name, str(amount)))

    def _cook(self) -> Iterator[Item]:
        inputs = {name: self.ledger.result("cut", name) for name in self.ingredients}
        yield Item("dish", inputs, self._make("dish", "hot"), self.work / "pot")

    def _make(self, name: str, text: str) -> Callable[[], list[Path]]:
        def make() -> list[Path]:
            if self.cut_off == name:
                raise PowerCutError
            self.made.append(name)
            (self.work / name).write_text(text)
            return [self.work / name]

        return make


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


def test_what_is_unchanged_is_skipped(kitchen: Kitchen) -> None:
    assert kitchen.states() == [State.TO_DO, State.TO_DO]
    assert kitchen.run() == ["leek", "oat", "dish"]
    assert kitchen.states() == [State.DONE, State.DONE]
    assert kitchen.run() == []


def test_a_changed_input_makes_what_depends_on_it(kitchen: Kitchen) -> None:
    kitchen.run()
    kitchen.ingredients["oat"] = 3
    assert kitchen.states() == [State.CHANGED, State.CHANGED]
    assert kitchen.run() == ["oat", "dish"]


def test_an_item_more_or_less_is_a_change(kitchen: Kitchen) -> None:
    kitchen.run()
    del kitchen.ingredients["leek"]
    assert kitchen.states()[0] == State.CHANGED
    assert kitchen.run() == ["dish"]
    assert not (kitchen.work / "stages" / "cut" / "leek.json").exists()


def test_a_missing_or_cut_file_is_made_again(kitchen: Kitchen) -> None:
    kitchen.run()
    (kitchen.work / "oat").write_text("")
    assert kitchen.run() == ["oat"]
    (kitchen.work / "dish").unlink()
    assert kitchen.states() == [State.DONE, State.CHANGED]
    assert kitchen.run() == ["dish"]


def test_an_interrupted_stage_goes_on_with_the_item_that_was_not_finished(kitchen: Kitchen) -> None:
    kitchen.cut_off = "oat"
    with pytest.raises(PowerCutError):
        kitchen.run()
    assert kitchen.states() == [State.PARTIAL, State.TO_DO]
    kitchen.cut_off = None
    assert kitchen.run() == ["oat", "dish"]


def test_unfinished_work_is_kept_for_the_same_inputs_alone(kitchen: Kitchen) -> None:
    kitchen.cut_off = "dish"
    with pytest.raises(PowerCutError):
        kitchen.run()
    (kitchen.work / "pot" / "soup").write_text("lukewarm")
    assert kitchen.states() == [State.DONE, State.PARTIAL]
    with pytest.raises(PowerCutError):
        kitchen.run()
    assert (kitchen.work / "pot" / "soup").exists()
    kitchen.ingredients["oat"] = 3
    kitchen.cut_off = None
    kitchen.run()
    assert [path.name for path in (kitchen.work / "pot").iterdir()] == [TAG]
    assert len((kitchen.work / "pot" / TAG).read_text()) == len(digest({}))


def test_work_of_unknown_origin_is_never_removed(kitchen: Kitchen) -> None:
    (kitchen.work / "pot").mkdir()
    (kitchen.work / "pot" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="did not make"):
        kitchen.run()
    assert (kitchen.work / "pot" / "thesis.txt").exists()


def test_a_stage_alone_needs_those_before_it(kitchen: Kitchen) -> None:
    with pytest.raises(InputError, match="cook needs cut"):
        kitchen.run("cook")
    assert kitchen.run("cut") == ["leek", "oat"]
    assert kitchen.run("cook") == ["dish"]


def test_there_is_no_result_before_it_is_made(kitchen: Kitchen) -> None:
    with pytest.raises(HNSegError, match="no record of oat"):
        kitchen.ledger.result("cut", "oat")
