"""Writing the rows that were set aside."""

from __future__ import annotations

import csv
import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from fwbill_tui.usage.schema import Reject
from fwbill_tui.user_paths import descriptor_of, expanded, mode_of, resolved

_HEADER = ("source", "line", "column", "reason", "text")
_ODD_NAMES = "backslashreplace"
"""How the bytes of a file's name are written that are no UTF-8."""


def write_rejects(path: Path, rejects: Iterable[Reject]) -> int:
    """Write rejected rows as CSV; returns how many.

    The file appears whole or not at all. A new one is to be read by the user alone; one that replaces another takes over its
    permissions. A symbolic link is followed. A device or a pipe is written to as it is, and so is an open file
    that is named as such (/dev/stderr). Raises OSError, also for a folder.
    """
    if (descriptor := descriptor_of(path)) is not None:
        with os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors=_ODD_NAMES, newline="") as file:
            return _write(file, rejects)
    named = expanded(path)
    mode = mode_of(named)
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "that is a folder; add a file name")
    if mode is not None and not stat.S_ISREG(mode):  # to replace a device, as a renamed file would, would destroy it
        with named.open("w", encoding="utf-8", errors=_ODD_NAMES, newline="") as file:
            return _write(file, rejects)
    path = resolved(named)
    handle, name = tempfile.mkstemp(prefix=".fwbill-", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors=_ODD_NAMES, newline="") as file:
            count = _write(file, rejects)
            file.flush()
            if mode is not None:
                part.chmod(stat.S_IMODE(mode))
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count


def _write(file: TextIO, rejects: Iterable[Reject]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_HEADER)
    count = 0
    for reject in rejects:
        count += 1
        writer.writerow((reject.source, reject.line, reject.column or "", reject.reason, reject.text))
    return count
