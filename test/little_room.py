"""A full disk for as long as something is tried; no longer, since the tests' own report may go to a file."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

ROOM = 4096
"""Bytes that fit into a file."""


@contextmanager
def little_room() -> Iterator[None]:
    """No file may become longer than ROOM: the kernel refuses the rest as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
