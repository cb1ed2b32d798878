"""Paths that a user has named: whatever is wrong with one is an OSError that says what."""

from __future__ import annotations

import errno
import os
from pathlib import Path


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
