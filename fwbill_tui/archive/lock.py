"""One program at a time: an advisory lock on a file, which the system lifts when its holder ends in whatever way.

Ours because it takes thirty lines of the standard library, held for milliseconds, and would be the only use of a package.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fwbill_tui.archive.disk import PRIVATE_FILE
from fwbill_tui.archive.errors import ArchiveError, cannot

_POLL = 0.02

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(path: Path, *, patience: float = 20.0) -> Iterator[None]:
    """Hold the lock of a file, which is made when it is not there. Raises ArchiveError after `patience` seconds."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    except OSError as error:
        raise cannot("lock", path, error) from error
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                _try_lock(descriptor)
                break
            except (BlockingIOError, PermissionError):  # held by another: POSIX says the one, Windows the other
                if time.monotonic() > deadline:
                    raise ArchiveError(f"another program has held {path} for {patience:.0f} s; end it, then try again") from None
                time.sleep(_POLL)
            except OSError as error:
                raise cannot("lock", path, error) from error
        yield
    finally:
        os.close(descriptor)  # lifts the lock
