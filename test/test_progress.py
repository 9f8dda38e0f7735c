"""The line on a terminal by hand; tiles counted by hand for a 2D and a 3D model; silence elsewhere."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from bundle_factory import make_bundle
from plain_network import PlainNetwork
from synthetic_head import SHAPE, head_ct

from hnseg_infer.cli import main
from hnseg_infer.formats import write
from hnseg_infer.progress import CLEAR, line_writer, terminal_progress
from hnseg_infer.sliding_window import label_tiles
from hnseg_infer.tiling import tile_starts


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """Every state that the one line had."""
        first, *lines = self.getvalue().split(CLEAR)
        assert first == ""
        return lines


def test_stage_tiles_and_seconds_left():
    terminal, times = Terminal(), iter([100.0, 102.0, 103.0, 110.0, 110.5])
    write_line = line_writer(terminal, lambda: next(times))
    write_line("2d", 0, 4)
    write_line("2d", 1, 4)  # 2 s a tile, 3 tiles left
    write_line("2d", 3, 4)
    write_line("3d", 0, 2)  # a new stage has a pace of its own
    write_line("3d", 1, 2)
    assert terminal.lines() == [
        "2d: 0/4 tiles",
        "2d: 1/4 tiles, 6 s left",
        "2d: 3/4 tiles, 1 s left",
        "3d: 0/2 tiles",
        "3d: 1/2 tiles, 0 s left",
    ]


def test_fast_tiles_do_not_flood_the_terminal():
    terminal, times = Terminal(), iter([0.0, 0.01, 0.02, 0.25, 0.26])
    write_line = line_writer(terminal, lambda: next(times))
    for done in range(5):
        write_line("2d", done, 4)
    assert [line.split()[1] for line in terminal.lines()] == ["0/4", "3/4", "4/4"]


def fail_after_a_tile(stream: io.StringIO) -> None:
    with terminal_progress(stream) as progress:
        assert progress is not None
        progress("2d", 1, 2)
        raise KeyboardInterrupt


def test_the_line_is_gone_afterwards_and_after_an_error():
    terminal = Terminal()
    with pytest.raises(KeyboardInterrupt):
        fail_after_a_tile(terminal)
    assert terminal.lines()[-1] == ""


def test_nothing_is_written_where_there_is_no_terminal():
    stream = io.StringIO()
    with terminal_progress(stream) as progress:
        assert progress is None
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("shape", "patch", "tiles"),
    [
        ((6, 16, 16), (16, 16), 6),
        ((6, 40, 20), (16, 16), 6 * 4 * 2),  # 24 voxels of room in steps of at most 8, and 4
        ((3, 16, 16), (8, 16, 16), 1),
        ((40, 19, 23), (8, 16, 16), 9 * 2 * 2),  # 32 in steps of 4; 3 and 7 in steps of 8
    ],
)
def test_every_tile_counts_once(shape, patch, tiles):
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    calls = []

    network = PlainNetwork(lambda tile: np.stack((np.zeros_like(tile), tile)), patch)
    labels = label_tiles(network, image, patch, 2, None, lambda *call: calls.append(call)).labels
    assert calls == [(done, tiles) for done in range(tiles + 1)]
    np.testing.assert_array_equal(labels, label_tiles(network, image, patch, 2).labels)


def test_hnseg_segment_shows_it_on_a_terminal_alone(tmp_path: Path, monkeypatch, capsys):
    bundle = make_bundle(tmp_path / "bundle")
    write(head_ct(), tmp_path / "ct.mha")
    call = ["segment", str(tmp_path / "ct.mha"), str(tmp_path), "--bundle", str(bundle), "--device", "cpu"]
    call += ["--format", "nrrd"]
    assert main(call) == 0
    silent = capsys.readouterr()
    assert silent.err == ""
    assert CLEAR not in silent.out

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(call) == 0
    stages = [line.partition(":")[0] for line in terminal.lines()]
    assert list(dict.fromkeys(stages)) == ["2d", "3d", "3d_small", ""]
    slices = SHAPE[0] * len(tile_starts(SHAPE[1], 32)) * len(tile_starts(SHAPE[2], 32))
    assert f"2d: {slices}/{slices} tiles, 0 s left" in terminal.lines()
    assert "3d_small: 1/1 tiles, 0 s left" in terminal.lines()
