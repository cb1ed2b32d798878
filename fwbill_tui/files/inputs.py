"""What the user named: files, patterns, folders, objects in a cloud and standard input, as a list of inputs."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fwbill_tui.files.folders import Refuse, files_below, matches
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.user_paths import expanded, mode_of

STANDARD_INPUT = "-"
_URL = re.compile(r"(?:s3a?|gs|gcs|az|abfss?)://.+")
ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".parquet")
"""Files that are taken of a folder; a file of any other name can be named."""


class UnreadableFile(ExportFormatError):  # noqa: N818 - the thing that is wrong, as it is told to the user
    """A file that cannot be read, or not to its end. `events` were read before that was noticed."""

    def __init__(self, name: str, reason: str, events: int = 0) -> None:
        read = f" (after {events:,} events)" if events else ""
        super().__init__(f"{name}: {reason}{read}")
        self.name = name
        self.reason = reason
        self.events = events


OnUnreadable = Callable[[UnreadableFile], None] | None


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


def expand(arguments: Sequence[str], *, on_unreadable: OnUnreadable = None) -> list[Input]:
    """Turn files, patterns (`usage-*.csv`), folders (with the folders in them), URLs (`s3://…`) and `-` into inputs.

    Patterns and folders give their files in the order of their names. A file named in several ways is read once, or its
    events would count twice. Raises UnreadableFile for an argument that stands for no file, and for what cannot be looked
    into; with `on_unreadable` that is told, and what is beside it is found.
    """
    inputs: dict[object, Input] = {}
    for argument in arguments:
        for found in _matches(argument, on_unreadable):
            address = found.url and re.sub("^s3a:", "s3:", found.url)
            key = os.path.realpath(found.path) if found.path is not None else address or STANDARD_INPUT
            inputs.setdefault(key, found)
    return list(inputs.values())


def _matches(argument: str, on_unreadable: OnUnreadable) -> list[Input]:
    if argument == STANDARD_INPUT:
        if sys.stdin is None or sys.stdin.closed:
            raise UnreadableFile("-", "standard input is closed; pipe an export into it, or name a file")
        if sys.stdin.isatty():
            raise UnreadableFile("-", "standard input is a terminal; pipe an export into it, or name a file")
        return [Input("standard input", None)]
    if _URL.fullmatch(argument):
        return [Input(argument, None, argument)]
    refused: list[UnreadableFile] = []

    def refuse(error: OSError) -> None:
        if on_unreadable is None:
            raise UnreadableFile(str(error.filename), f"{plain(error)}; --skip-unreadable goes on without it") from error
        refused.append(UnreadableFile(str(error.filename), plain(error)))
        on_unreadable(refused[-1])

    try:
        paths, why_none = _paths(argument, refuse)
    except OSError as error:
        problem = UnreadableFile(argument, plain(error))
        if on_unreadable is None or error.errno != errno.EACCES:
            raise problem from error
        on_unreadable(problem)
        return []
    if not (paths or refused):
        raise UnreadableFile(argument, why_none)
    return [Input(str(path), path) for path in paths]


def _paths(argument: str, refuse: Refuse) -> tuple[list[Path], str]:
    """What an argument stands for, and why that is nothing where it is. Raises OSError."""
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
        endings = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        return list(_no_pipes(_exports(path, refuse), refuse)), f"no {endings} file in this folder"
    if os.path.lexists(path):
        return [path], ""
    if not glob.has_magic(argument):
        return [], "no such file or folder"
    found = matches(path, refuse)
    files = (file for match in found for file in (_exports(match, refuse) if match.is_dir() else (match,)))
    return list(_no_pipes(files, refuse)), unmatched


def _exports(folder: Path, refuse: Refuse) -> Iterator[Path]:
    """The exports below a folder, hidden ones left out (editors' locks, other systems' leftovers)."""
    return (path for path in files_below(folder, refuse) if path.name.lower().endswith(ENDINGS))


def _no_pipes(files: Iterable[Path], refuse: Refuse) -> Iterator[Path]:
    """Files that are not pipes and the like: who names a folder or a pattern does not expect to wait for another program."""
    for file in files:
        try:
            mode = file.stat().st_mode
        except OSError:  # a link that leads nowhere: whoever reads it says so
            mode = stat.S_IFREG
        if stat.S_ISREG(mode):
            yield file
        else:
            refuse(OSError(errno.ESPIPE, "a pipe or a device, which is read only where it is named itself", str(file)))


def plain(error: OSError) -> str:
    """An operating system's error in its own few words."""
    return (error.strerror or str(error)).lower()
