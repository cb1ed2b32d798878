"""Files that are private to the user and whole: written, on the disk, and only then known by their name."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from pathlib import Path

from fwbill_tui.folder_sync import sync_folder

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for the user alone; one that is there is closed to others."""
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for path in reversed(missing):
        path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & ~PRIVATE_FOLDER and sys.platform != "win32":
        folder.chmod(PRIVATE_FOLDER)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet; it has reached the disk when this returns, its name with `sync_folder`.

    Raises OSError, and leaves no file then.
    """
    descriptor = os.open(path, _FLAGS, PRIVATE_FILE)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def replace(path: Path, data: bytes) -> None:
    """Write a file in place of another in one step. Raises OSError, and the old one is as it was then."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    write_new(part, data)
    try:
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
