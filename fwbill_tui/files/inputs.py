"""What the user named: files, patterns, folders, objects in a cloud and standard input, as a list of inputs."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.user_paths import expanded, mode_of

STANDARD_INPUT = "-"
_URL = re.compile(r"(?:s3a?|gs|gcs|az|abfss?)://.+")
_FOLDER_SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet")


class UnreadableFile(ExportFormatError):  # noqa: N818 - the thing that is wrong, as it is told to the user
    """A file that cannot be read, or not to its end. `events` were read before that was noticed."""

    def __init__(self, name: str, reason: str, events: int = 0) -> None:
        read = f" (after {events:,} events)" if events else ""
        super().__init__(f"{name}: {reason}{read}")
        self.name = name
        self.reason = reason
        self.events = events


class Input(NamedTuple):
    """One file to read. `name` is what the user would call it; without `path` and `url` it is standard input.

    A `url` names an object in a cloud, or with a pattern several (see `files.remote`).
    """

    name: str
    path: Path | None
    url: str | None = None

    @property
    def size(self) -> int | None:
        """Bytes on disk; None when that is not known before the end, as of a pipe."""
        try:
            return self.path.stat().st_size if self.path is not None and self.path.is_file() else None
        except OSError:
            return None


def expand(arguments: Sequence[str]) -> list[Input]:
    """Turn files, patterns (`usage-*.csv`), folders (with the folders in them), URLs (`s3://…`) and `-` into inputs.

    Patterns and folders give their files in the order of their names. A file named in several ways is read once, or its
    events would count twice. Raises UnreadableFile for an argument that stands for no file.
    """
    inputs: dict[object, Input] = {}
    for argument in arguments:
        for found in _matches(argument):
            key = os.path.realpath(found.path) if found.path is not None else found.url or STANDARD_INPUT
            inputs.setdefault(key, found)
    return list(inputs.values())


def _matches(argument: str) -> list[Input]:
    if argument == STANDARD_INPUT:
        if sys.stdin is None or sys.stdin.closed:
            raise UnreadableFile("-", "standard input is closed; pipe an export into it, or name a file")
        if sys.stdin.isatty():
            raise UnreadableFile("-", "standard input is a terminal; pipe an export into it, or name a file")
        return [Input("standard input", None)]
    if _URL.fullmatch(argument):
        return [Input(argument, None, argument)]
    try:
        paths = _paths(argument)
    except OSError as error:
        raise UnreadableFile(argument, plain(error)) from error
    return [Input(str(path), path) for path in paths]


def _paths(argument: str) -> list[Path]:
    path, unmatched = expanded(argument), "no file matches this pattern"
    try:
        mode = mode_of(path)
    except OSError as error:
        if not (os.path.lexists(path) or glob.has_magic(argument)):
            raise
        mode = None
        if error.errno != errno.ENAMETOOLONG:
            unmatched = plain(error)
    if mode is not None and stat.S_ISDIR(mode):
        paths = list(_folder(path))
        if not paths:
            raise UnreadableFile(argument, f"no {', '.join(_FOLDER_SUFFIXES[:-1])} or {_FOLDER_SUFFIXES[-1]} file in this folder")
    elif os.path.lexists(path):
        paths = [path]
    elif glob.has_magic(argument):
        matched = (Path(match) for match in sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207 - takes whole patterns
        paths = [file for match in matched for file in (_folder(match) if match.is_dir() else (match,))]
        if not paths:
            raise UnreadableFile(argument, unmatched)
    else:
        raise UnreadableFile(argument, "no such file or folder")
    return paths


def _folder(folder: Path) -> Iterator[Path]:
    """The exports below a folder, hidden ones left out (editors' locks, other systems' leftovers)."""
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(_FOLDER_SUFFIXES) and not name.startswith("."):
                yield Path(parent, name)


def _refuse(error: OSError) -> None:
    raise UnreadableFile(str(error.filename), plain(error)) from error


def plain(error: OSError) -> str:
    """An operating system's error in its own few words."""
    return (error.strerror or str(error)).lower()
