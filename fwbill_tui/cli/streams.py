"""Standard streams that are closed, or cannot be written to."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # without `typing`, as in `quick`
    from typing import TextIO


def fill_in() -> None:
    """Put something in the place of standard streams that are closed, where the next file to be opened would get in.

    What is said on stderr is lost then, what is written to stdout fails, and stdin stays None.
    """
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # it gets the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, until the end
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def give_up(stream: TextIO) -> None:
    """Let what could not be written to a stream go nowhere, instead of failing again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def why(error: OSError) -> str:
    """Why a stream could not be written to, in a few words."""
    import errno

    return "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
