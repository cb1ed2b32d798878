"""Paths that a user has named: whatever is wrong with one is an OSError that says what."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})", re.ASCII)


def descriptor_of(path: str | Path) -> int | None:
    """The open file that a name such as /dev/stderr or /dev/fd/3 stands for.

    It may be a file that others write to as well: it is written on, where it stands, and never replaced.
    """
    name = os.path.normpath(path)
    name = f"/{name.lstrip('/')}" if name.startswith("/") else name
    number = _DESCRIPTOR.fullmatch(name)
    return int(number[1]) if number else _STREAMS.get(name)


def expanded(path: str | Path) -> Path:
    """The path with `~` and `~name` as home folders. Raises OSError for a user that is not there."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise OSError(errno.EINVAL, "there is no such user behind ~") from None


def resolved(path: str | Path) -> Path:
    """Where the path leads, `~` replaced and links followed; a link that leads in a circle stays. Raises OSError."""
    return Path(os.path.realpath(expanded(path)))


def mode_of(path: Path) -> int | None:
    """Kind and permissions of what is there, as `stat` has them; None where nothing is. Raises OSError."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
