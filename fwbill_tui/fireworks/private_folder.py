"""A private folder for one fetch, removed afterwards; and what crashed ones left behind, removed later."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fwbill_tui.fireworks.errors import StorageError
from fwbill_tui.fireworks.secret import Secret
from fwbill_tui.owned_folder import OwnedFolder

PREFIX = "fwbill-fetch-"


@contextlib.contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder that only the user may enter; None: where the system keeps such things.

    What crashed programs left in `parent` is removed first. Raises StorageError.
    """
    try:
        folder = OwnedFolder(parent or Path(tempfile.gettempdir()), PREFIX)
    except OSError as error:
        raise _no_folder(error) from None
    try:
        yield folder.path
    finally:
        folder.close()


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
