"""Files that appear whole or not at all, and are private to the user."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from fwbill_tui.export.errors import TargetExistsError, as_os_error, cannot_write
from fwbill_tui.folder_sync import sync_folder
from fwbill_tui.user_paths import descriptor_of, expanded, mode_of, resolved

PRIVATE = 0o600


@contextlib.contextmanager
def new_file(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """A file to write `path` with; it takes that name when the block ends well, and vanishes when it does not.

    What is written goes to a private file beside the target, reaches the disk, and is renamed. A new file is readable
    by the user alone; one that replaces another takes over its permissions. `~` and a symbolic link are followed. A
    device or a pipe is written to as it is, and so is an open file that is named as such (/dev/fd/3). With
    `overwrite=False` a file of that name, even one that appears meanwhile, stays.

    Raises:
        TargetExistsError: the file is there and `overwrite` is False.
        ExportError: the system would not let us write, for instance because the disk is full.
    """
    try:
        if (descriptor := descriptor_of(path)) is not None:
            with os.fdopen(os.dup(descriptor), "wb") as stream:
                yield cast(BinaryIO, stream)
            return
        named = expanded(path)
        mode = mode_of(named)
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            with named.open("wb") as stream:  # not by what it resolves to: the pipe behind /dev/fd/3 has no name
                yield cast(BinaryIO, stream)
            return
        target = resolved(named)
        if mode is not None and not overwrite:
            raise _exists(path)
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "that is a folder")
        yield from _private_file(path, target, overwrite, PRIVATE if mode is None else stat.S_IMODE(mode))
    except Exception as error:
        cause = as_os_error(error)
        if cause is None:
            raise
        raise cannot_write(path, cause) from error


def _private_file(path: Path, target: Path, overwrite: bool, mode: int) -> Iterator[BinaryIO]:
    # A name may have 255 bytes; the target's is cut so that the hidden file's always fits.
    stem = os.fsencode(target.name)[:80].decode(sys.getfilesystemencoding(), "ignore")
    part = target.with_name(f".{stem}.{secrets.token_hex(6)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield cast(BinaryIO, stream)
            stream.flush()
            if mode != PRIVATE:
                part.chmod(mode)
            os.fsync(stream.fileno())
        if overwrite:
            part.replace(target)
        else:
            _rename_new(part, target, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _rename_new(part: Path, target: Path, path: Path) -> None:
    """Give the finished file its name without a moment in which it could replace another's."""
    try:
        try:
            target.hardlink_to(part)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: reserve the name first
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
            part.replace(target)
        else:
            part.unlink()
    except FileExistsError:
        raise _exists(path) from None


def _exists(path: Path) -> TargetExistsError:
    return TargetExistsError(f"{path} is there already; it was left as it is")
