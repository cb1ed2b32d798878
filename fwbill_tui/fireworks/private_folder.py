"""A private folder for one fetch, removed afterwards; and what crashed ones left behind, removed later."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fwbill_tui.fireworks.errors import StorageError
from fwbill_tui.fireworks.secret import Secret

if sys.platform != "win32":
    import fcntl

PREFIX = "fwbill-fetch-"
_LOCK = "lock"
_YOUNGEST_LEFTOVER = 60.0  # seconds; a younger one may just be coming into being


@contextlib.contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder that only the user may enter; None: where the system keeps such things.

    It is locked as long as its owner lives, in whatever container that runs, so that `sweep`, which comes first, takes
    only what has no owner any more. Raises StorageError.
    """
    parent = parent or Path(tempfile.gettempdir())
    sweep(parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    except OSError as error:
        raise StorageError(
            f"no folder for what is fetched can be made ({error.strerror})", "name a folder that you may write to in TMPDIR"
        ) from None
    try:
        with os.fdopen(os.open(folder / _LOCK, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as lock:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_sign_in(home: Path, key: Secret) -> None:
    """Give a home folder the file that firectl reads its key from."""
    folder = home / ".fireworks"
    home.mkdir(mode=0o700)
    folder.mkdir(mode=0o700)
    with os.fdopen(os.open(folder / "auth.ini", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"[fireworks]\napi_key = {key.reveal()}\n")


def sweep(parent: Path, *, youngest: float = _YOUNGEST_LEFTOVER) -> None:
    """Remove the folders of crashed uses: ours, older than `youngest` seconds, and locked by nobody."""
    with contextlib.suppress(OSError):  # a folder that can't be listed is not where leftovers of ours are
        for path in list(parent.glob(f"{PREFIX}*")):
            if _is_leftover(path, youngest):
                shutil.rmtree(path, ignore_errors=True)


def _is_leftover(path: Path, youngest: float) -> bool:
    if sys.platform == "win32":  # without such locks nothing is known of a folder's owner, and leftovers stay
        return False
    try:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or time.time() - status.st_mtime < youngest:
            return False
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return path.is_dir()  # its owner died before it locked it, or while removing it
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
