"""What is below a folder, and what a pattern stands for. Nothing is passed over because it cannot be looked into.

That is what `os.walk` and `glob` do, or what they leave out: links to folders are followed, each folder is looked into once
however many ways lead there, and one that cannot be is told to `refuse`, which may raise. Hidden names are left out.
"""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Refuse = Callable[[OSError], None]


def files_below(folder: Path, refuse: Refuse) -> Iterator[Path]:
    """The files of a folder by name, then those of the folders in it."""
    seen, waiting = set[str](), [folder]
    while waiting:
        parent = waiting.pop()
        if _first_time(parent, seen):
            folders, files = _look_into(parent, refuse)
            yield from files
            waiting += reversed(folders)


def matches(pattern: Path, refuse: Refuse) -> list[Path]:
    """The files and folders that a pattern stands for, sorted; `**` are any folders, one in another, or none."""
    found = [Path(pattern.anchor)]
    parts = pattern.parts[bool(pattern.anchor) :]
    for number, part in enumerate(parts, 1):
        if part == "**":
            found = list(_at_any_depth(found, refuse, files=number == len(parts)))
        elif glob.has_magic(part):
            found = [path for parent in found for path in _named_like(parent, part, refuse)]
        else:
            found = [path for parent in found if _is_there(path := parent / part, refuse)]
    return sorted(found, key=str)


def _at_any_depth(parents: Iterable[Path], refuse: Refuse, *, files: bool) -> Iterator[Path]:
    seen, waiting = set[str](), [parent for parent in parents if _is_folder(parent, refuse)]
    while waiting:
        parent = waiting.pop()
        if _first_time(parent, seen):
            yield parent
            folders, others = _look_into(parent, refuse)
            yield from others if files else ()
            waiting += reversed(folders)


def _named_like(parent: Path, part: str, refuse: Refuse) -> Iterator[Path]:
    if _is_folder(parent, refuse):
        fits = re.compile(fnmatch.translate(os.path.normcase(part))).match
        folders, files = _look_into(parent, refuse, hidden=part.startswith("."))
        yield from (path for path in (*folders, *files) if fits(os.path.normcase(path.name)))


def _first_time(folder: Path, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    known = real in seen
    seen.add(real)
    return not known


def _look_into(folder: Path, refuse: Refuse, *, hidden: bool = False) -> tuple[list[Path], list[Path]]:
    """The folders in a folder and everything else in it, each by name; only the hidden ones, or those that are not."""
    folders: list[Path] = []
    others: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") is hidden:
                    path = folder / entry.name
                    is_folder = _is_folder(path, refuse) if entry.is_symlink() else entry.is_dir()
                    (folders if is_folder else others).append(path)
    except OSError as error:
        refuse(error)
    return sorted(folders), sorted(others)


def _is_folder(path: Path, refuse: Refuse) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a link that leads nowhere, or in a circle, is none
        refuse(error)
        return False


def _is_there(path: Path, refuse: Refuse) -> bool:
    try:
        path.lstat()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            refuse(error)
        return False
    return True
