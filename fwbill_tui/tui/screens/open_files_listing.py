"""What is there for a path that is being typed: entries that go on as it does, or the matches of a pattern."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fwbill_tui.files.inputs import ENDINGS
from fwbill_tui.usage.literal import literal

MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder, or a file that can be an export. `name` is what the list shows; `size` in bytes, 0 for a folder."""

    name: str
    path: Path
    folder: bool
    size: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer to `look`: entries (no more than MOST_SHOWN), or a problem in one line.

    `opens` is what would be opened for the text as it stands: a path that exists, a pattern that matches, or None.
    """

    typed: str
    entries: tuple[Entry, ...] = ()
    problem: str = ""
    opens: str | None = None
    pattern: bool = False
    more: bool = False
    """Whether there are more that match than entries."""


def look(typed: str, folder: Path) -> Listing:
    """What is there for what was typed; relative paths start at `folder`. Looks at names and sizes, reads no file.

    A pattern with `**` is not followed here, since that may take minutes; it is when it is opened.
    """
    try:
        path = folder / Path(typed).expanduser()
        if not any(character in typed for character in "*?[") or path.exists():
            return _listed(typed, path, folder)
        if "**" in path.parts:
            return Listing(typed, opens=str(path), pattern=True)
        found = _matches(path)
    except (OSError, RuntimeError, ValueError) as error:  # no such user behind ~; a null character in the path
        return Listing(typed, problem=f"{literal(typed or str(folder))}: {getattr(error, 'strerror', None) or error}")
    if not found:
        return Listing(typed, problem=f"no file matches {literal(typed)}", pattern=True)
    return Listing(typed, tuple(found[:MOST_SHOWN]), opens=str(path), pattern=True, more=len(found) > MOST_SHOWN)


def _listed(typed: str, path: Path, folder: Path) -> Listing:
    whole_folder = not typed or typed.endswith("/") or typed in {"~", ".", ".."}
    parent, begins = (path, "") if whole_folder else (path.parent, path.name)
    found = _entries(parent, begins)
    opens = str(path) if typed and path.exists() and (found or not whole_folder) else None
    if found or opens:
        return Listing(typed, tuple(found[:MOST_SHOWN]), opens=opens)
    kinds = ", ".join(ENDINGS)
    where = literal(str(parent if whole_folder else folder))
    return Listing(typed, problem=f"no exports ({kinds}) in {where}" if whole_folder else f"nothing begins with {literal(typed)}")


def _matches(pattern: Path) -> list[Entry]:
    first = next(number for number, part in enumerate(pattern.parts) if any(character in part for character in "*?["))
    base = Path(*pattern.parts[:first])
    entries: list[Entry] = []
    for path in sorted(base.glob("/".join(pattern.parts[first:])), key=str):
        with suppress(OSError):  # gone since the folder was read
            if stat.S_ISREG((found := path.stat()).st_mode):
                entries.append(Entry(str(path.relative_to(base)), path, folder=False, size=found.st_size))
        if len(entries) > MOST_SHOWN:
            break
    return entries


def _entries(parent: Path, begins: str) -> list[Entry]:
    """What a folder has that begins so; hidden entries only when a dot was typed."""
    found = []
    for path in parent.iterdir():
        hidden = path.name.startswith(".") and not begins.startswith(".")
        if hidden or not path.name.casefold().startswith(begins.casefold()):
            continue
        try:
            if path.is_dir():
                found.append(Entry(f"{path.name}/", path, folder=True))
            elif path.name.casefold().endswith(ENDINGS):
                found.append(Entry(path.name, path, folder=False, size=path.stat().st_size))
        except OSError:  # a dangling link, or gone since the folder was read
            continue
    return sorted(found, key=lambda entry: (not entry.folder, entry.name.casefold()))
