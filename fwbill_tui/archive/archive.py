"""The whole archive: where it lies, which accounts it has, and what it takes to look after it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from fwbill_tui.archive.account import LOCK, MANIFEST, SET_ASIDE, AccountArchive
from fwbill_tui.archive.errors import ArchiveError, cannot
from fwbill_tui.archive.lock import locked
from fwbill_tui.archive.manifest import Manifest, read_manifest
from fwbill_tui.archive.reading import Damage, checked
from fwbill_tui.settings import data_dir

_log = logging.getLogger("fwbill.archive")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def archive_folder(environ: Mapping[str, str]) -> Path:
    """Where usage is kept, below the user's data."""
    return data_dir(environ) / "archive"


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """What is kept of an account. `size` counts all its files in bytes, damaged and left-over ones too.

    `missing` counts the days between `first` and `last` that are not kept. With a `problem` nothing else is known.
    """

    host: str
    account: str
    size: int
    days: int = 0
    rows: int = 0
    first: date | None = None
    last: date | None = None
    provisional: int = 0
    missing: int = 0
    problem: str = ""


class Archive:
    """Every account's kept usage below one folder, which need not be there yet. Every method raises ArchiveError."""

    def __init__(self, root: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.root = root
        self._clock = clock

    def account(self, host: str, account: str) -> AccountArchive:
        """The archive of one account of the Fireworks at `host` (`api.fireworks.ai`). Nothing is read or made yet."""
        if not _ACCOUNT.fullmatch(account) or not host:
            raise ArchiveError("this is not the form of an account id: write it as in accounts/<id>")
        return AccountArchive(self.root, host, account, self._clock)

    def accounts(self) -> list[AccountSummary]:
        """What is kept, by host and account. An account whose manifest cannot be read is there with its problem."""
        return [found for folder in self._folders() if (found := self._summary(folder))]

    def verify(self) -> Iterator[tuple[AccountArchive, list[Damage]]]:
        """Read every byte of every account, one account after another, and say what is not as it was written.

        Nothing is changed: damaged days are set aside and fetched again when they are next opened.
        """
        for kept in self._readable():
            damages: list[Damage] = []
            for day in sorted(kept.manifest().days.values(), key=lambda day: day.date):
                if not day.file:
                    continue
                try:
                    data = checked(kept.folder, day)
                except FileNotFoundError:
                    if kept.manifest().days.get(day.date) != day:
                        continue  # replaced meanwhile
                    data = Damage(day, kept.folder / day.file, "the file is gone")
                if isinstance(data, Damage):
                    damages.append(data)
            _log.info("verified %s at %s: %d damaged", kept.account, kept.host, len(damages))
            yield kept, damages

    def prune(self, keep: timedelta) -> dict[AccountArchive, int]:
        """Drop the days that ended longer than `keep` ago; how many were dropped of each account."""
        try:
            limit = (self._clock() - keep).date()
        except OverflowError:  # longer than the calendar goes back
            limit = date.min
        dropped: dict[AccountArchive, int] = {}
        for kept in self._readable():
            old = [day for day in kept.manifest().days if day < limit]
            kept.drop(old)
            kept.drop_damaged(limit)
            dropped[kept] = len(old)
            _log.info("dropped %d days of %s at %s", len(old), kept.account, kept.host)
        return dropped

    def set_aside(self) -> list[tuple[str, str]]:
        """Host and account of whole folders that were set aside, as their manifest was damaged."""
        names = [path.name.split("+") for path in _within(self.root / SET_ASIDE)]
        return sorted({(parts[0], parts[1]) for parts in names if len(parts) == 3})

    def forget(self, host: str, account: str) -> None:
        """Remove everything that is kept of an account, damaged files too."""
        folder = self.account(host, account).folder
        aside = self.root / f".forgotten-{secrets.token_hex(6)}"
        with self._locked():
            try:
                with contextlib.suppress(FileNotFoundError):
                    folder.replace(aside)  # gone in one step, however long removing takes
                for path in (*self.root.glob(".forgotten-*"), *self.root.glob(f"{SET_ASIDE}/{folder.parent.name}+{account}+*")):
                    shutil.rmtree(path)
            except OSError as error:
                raise cannot("remove", folder, error) from error
        _log.info("forgot %s at %s", account, host)

    # -- inside ------------------------------------------------------------------------------------------------------
    def _folders(self) -> list[Path]:
        """Those of accounts; one that has no manifest, or none any more, is of no account."""
        hosts = [path for path in _within(self.root) if not path.name.startswith(".")]
        return sorted(folder for host in hosts for folder in _within(host))

    def _readable(self) -> list[AccountArchive]:
        found = [_read(folder) for folder in self._folders()]
        return [self.account(manifest.host, manifest.account) for manifest in found if isinstance(manifest, Manifest)]

    def _summary(self, folder: Path) -> AccountSummary | None:
        """What is kept in a folder; None when it is of no account."""
        size = _size(folder)
        manifest = _read(folder)
        if manifest is None:
            return None
        if isinstance(manifest, str):
            return AccountSummary(folder.parent.name, folder.name, size, problem=manifest)
        if not manifest.days:
            return AccountSummary(manifest.host, manifest.account, size)
        now, first, last = self._clock(), min(manifest.days), max(manifest.days)
        days = manifest.days.values()
        return AccountSummary(
            manifest.host,
            manifest.account,
            size,
            len(days),
            sum(day.rows for day in days),
            first,
            last,
            sum(day.state(now) == "provisional" for day in days),
            (last - first).days + 1 - len(days),
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            there = self.root.is_dir()
        except OSError as error:
            raise cannot("read", self.root, error) from error
        if there:
            with locked(self.root / LOCK):
                yield
        else:
            yield


def _within(folder: Path) -> list[Path]:
    """What is in a folder; nothing when it is none, or gone. Raises ArchiveError."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise cannot("list", folder, error) from error


def _size(folder: Path) -> int:
    """Of all files in it and below, in bytes, as far as they are there and can be looked at."""
    size = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += Path(inside, name).stat().st_size
    return size


def _read(folder: Path) -> Manifest | str | None:
    """The manifest in a folder, or why it cannot be read; None when there is none."""
    path = folder / MANIFEST
    try:
        return read_manifest(path.read_bytes(), name=str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return str(cannot("read", path, error))
    except ArchiveError as error:
        return str(error)
