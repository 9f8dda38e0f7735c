"""How far a case is: counted tile by tile, shown as one line on a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

TileProgress = Callable[[int, int], None]
"""Takes tiles done and tiles in all; called before the first tile and after each."""

Progress = Callable[[str, int, int], None]
"""The same with the name of the stage before it."""

INTERVAL = 0.1
"""Least seconds between two states of the line: a terminal may be slower than a tile."""

CLEAR = "\r\x1b[K"
"""Takes a terminal back to the start of the line and empties it."""


@contextmanager
def terminal_progress(stream: TextIO) -> Iterator[Progress | None]:
    """One line on a terminal, gone at the end; None, and nothing written, where the stream is no terminal."""
    if not stream.isatty():
        yield None
        return
    try:
        yield line_writer(stream)
    finally:
        print(CLEAR, end="", file=stream, flush=True)


def line_writer(stream: TextIO, clock: Callable[[], float] = time.monotonic) -> Progress:
    """Writes stage, tiles and the seconds left in the stage over the line's last state."""
    started = written = 0.0

    def write(stage: str, done: int, tiles: int) -> None:
        nonlocal started, written
        now = clock()
        if done == 0:
            started = now
        elif done < tiles and now - written < INTERVAL:
            return
        written = now
        left = f", {(now - started) / done * (tiles - done):.0f} s left" if done else ""
        print(f"{CLEAR}{stage}: {done}/{tiles} tiles{left}", end="", file=stream, flush=True)

    return write
