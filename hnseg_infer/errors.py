"""Errors whose message is one plain sentence that a user may see."""

import errno
import sys
import traceback
from collections.abc import Callable
from typing import TypeGuard


class HNSegError(Exception):
    """Base of every error that HNSeg raises on purpose."""


class InputError(HNSegError):
    """An input cannot be used; says which file, what was found in it and what is accepted."""


class BundleError(HNSegError):
    """The model bundle is missing, incomplete or altered."""


class DeviceError(HNSegError):
    """The requested device or engine is not available on this machine."""


_OF_THE_PLACE = frozenset(
    (
        errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG,
        errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EIO,
    )
)  # fmt: skip
"""What a file system may say to a program that does everything right."""

_OUT_OF_MEMORY = (
    "bad_alloc",
    "bad allocation",
    "out of memory",
    "not enough memory",
    "can't alloc",
    "cannot allocate",
    "failed to allocate",
    "resource temporarily unavailable",
    "can't start new thread",
)
"""How libraries whose errors are RuntimeErrors say it; lower case. Threads fail for want of stacks, too."""


INTERRUPTED = 130
"""What shells call a program that Ctrl-C ended: 128 and SIGINT's number."""


def exit_code(run: Callable[[], None], before: str = "") -> int:
    """0, or 1 after one sentence about what went wrong, behind ``before``; 130 after Ctrl-C."""
    try:
        run()
    except KeyboardInterrupt:
        print(f"{before}Interrupted.", file=sys.stderr, flush=True)
        return INTERRUPTED
    except Exception as error:
        # whatever goes wrong ends in a sentence
        print_error(error, before)
        return 1
    return 0


def sentence(error: Exception) -> str:
    """One line for the user; an error that HNSeg did not raise on purpose is HNSeg's own failure."""
    text = " ".join(str(error).split())
    if isinstance(error, HNSegError):
        return text
    if out_of_memory(error):
        return (
            "The memory is not enough: a planning CT needs about 2.5 GB, "
            "and a process or container may be allowed less than the machine has."
        )
    if _of_the_place(error):
        return f"{error.filename or 'A file'} cannot be read or written ({error.strerror})."
    return f"HNSeg itself failed ({type(error).__name__}: {text}); please report it with the traceback."


def print_error(error: Exception, before: str = "") -> None:
    """The sentence as standard error's last line, behind ``before``; what nobody foresaw also says where."""
    if not (isinstance(error, HNSegError) or out_of_memory(error) or _of_the_place(error)):
        traceback.print_exception(error)
    print(f"{before}{sentence(error)}", file=sys.stderr, flush=True)


def out_of_memory(error: Exception) -> bool:
    """Whether memory was refused; libraries have no type of their own for that."""
    told = isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)
    by_the_system = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or told or by_the_system


def _of_the_place(error: Exception) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and error.errno in _OF_THE_PLACE
