"""Invoke mode's port, opened before anything else is imported.

The platform's client calls ``/health`` less than 0.1 s after it has started the process. A call that is
refused costs it 10 s of waiting; one that is accepted waits for its answer.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket

ANY_ADDRESS = "0.0.0.0"


def port_setting() -> str:
    """The port's number as the environment has it, unchecked, else the platform's."""
    return os.environ.get("HNSEG_PORT", "4743")


def early_port(arguments: Sequence[str]) -> "socket | None":
    """The port that ``serve`` without options means, open; None where the arguments say anything else.

    None, too, where it cannot be opened: what is wrong is said by whoever tries again.
    """
    if list(arguments) != ["serve"]:
        return None
    try:
        return open_port(ANY_ADDRESS, int(port_setting()))
    except (ValueError, OverflowError, OSError):
        return None


def open_port(host: str, port: int) -> "socket":
    """A socket that listens there; port 0 is any that is free. Raises OSError or OverflowError."""
    from socket import create_server

    return create_server((host, port))
