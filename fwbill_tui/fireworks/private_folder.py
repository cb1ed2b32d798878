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
from typing import BinaryIO

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
    with contextlib.ExitStack() as stack:
        try:
            parent = parent or Path(tempfile.gettempdir())
            sweep(parent)
            folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            lock = stack.enter_context(_new_file(folder / _LOCK))
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise _no_folder(error) from None
        yield folder


def inner_folder(folder: Path, name: str) -> Path:
    """A folder within a private one. Raises StorageError."""
    try:
        (folder / name).mkdir(mode=0o700)
    except OSError as error:
        raise _no_folder(error) from None
    return folder / name


def write_sign_in(home: Path, key: Secret) -> None:
    """Give a home folder the file that firectl reads its key from. Raises StorageError."""
    folder = home / ".fireworks"
    try:
        home.mkdir(mode=0o700)
        folder.mkdir(mode=0o700)
        with _new_file(folder / "auth.ini") as file:
            file.write(f"[fireworks]\napi_key = {key.reveal()}\n".encode("ascii"))
    except OSError as error:
        raise StorageError(
            f"the sign-in for firectl cannot be written to the temporary folder ({error.strerror})",
            "free some space, or name another folder in TMPDIR",
        ) from None


def _new_file(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _no_folder(error: OSError) -> StorageError:
    return StorageError(
        f"no folder for what is fetched can be made ({error.strerror})",
        "name a folder that you may write to, and that has room, in TMPDIR",
    )


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
