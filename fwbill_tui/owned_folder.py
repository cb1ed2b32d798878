"""Temporary folders that last as long as their owner; and what owners that died left behind, removed later."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_LOCK = "lock"
_YOUNGEST_LEFTOVER = 60.0  # seconds; a younger one without a lock may just be coming into being
_TRIES = 3
_here: set[OwnedFolder] = set()


class OwnedFolder:
    """A new folder that only the user may enter, until `close`.

    It is locked as long as this process lives, in whatever container that runs, so that `sweep`, which comes first, takes
    only what has no owner any more.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        """Make it in `parent`, with a name that begins with `prefix`. Raises OSError."""
        sweep(parent, prefix)
        self.path = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
        try:
            self._lock = _locked(self.path)
        except OSError:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        _here.add(self)

    def close(self) -> None:
        """Remove it with all that is in it. What cannot be removed now is swept later."""
        _here.discard(self)
        self._lock.close()
        for _ in range(_TRIES):  # a thread that is not done yet may put another file into it meanwhile
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                return


def remove_all() -> None:
    """Remove every such folder of this process, which is about to end without cleaning up."""
    for folder in list(_here):
        folder.close()


def sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of owners that died: of the user, and locked by nobody, or never locked for a minute."""
    ours = re.compile(re.escape(prefix) + r"[0-9]+-\w+")
    with contextlib.suppress(OSError):  # a folder that can't be listed is not where leftovers of ours are
        for path in list(parent.iterdir()):
            if ours.fullmatch(path.name) and _is_leftover(path):
                shutil.rmtree(path, ignore_errors=True)


def _locked(folder: Path) -> BinaryIO:
    """Lock a new folder. The file has its name only when it is locked: none that is there is without its owner's lock."""
    new = folder / f"{_LOCK}.new"
    lock = os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # a file system without locks: nobody can lock it to find out that it is left over
            fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(folder / _LOCK)
    return lock


def _is_leftover(path: Path) -> bool:
    if sys.platform == "win32":  # without such locks nothing is known of a folder's owner, and leftovers stay
        return False
    try:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            return False
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return path.is_dir() and time.time() - status.st_mtime >= _YOUNGEST_LEFTOVER  # its owner died before it locked it
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
