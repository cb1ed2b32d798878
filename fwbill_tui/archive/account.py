"""The archive of one account: its days are stored, read and set aside here, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import re
import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from fwbill_tui.archive.disk import private_folder, replace, write_new
from fwbill_tui.archive.errors import ArchiveError, DamagedManifestError, cannot
from fwbill_tui.archive.lock import locked
from fwbill_tui.archive.manifest import Day, DayState, Fetch, Manifest, read_manifest, write_manifest
from fwbill_tui.archive.reading import Damage, Kept, read_days
from fwbill_tui.folder_sync import sync_folder
from fwbill_tui.usage.names import COLUMNS, DIMENSION_COLUMNS
from fwbill_tui.usage.schema import EventTypes

_log = logging.getLogger("fwbill.archive")
MANIFEST = "manifest.json"
DAMAGED = "damaged"
"""Where damaged days of an account are."""
SET_ASIDE = ".damaged"
"""Where whole accounts are whose manifest was damaged, as `host+account+number`."""
LOCK = "lock"
_IN_A_NAME = re.compile(r"^\.|[^A-Za-z0-9.-]")
LEFT_OVER_AFTER = timedelta(hours=1)
"""A file that no manifest names may belong to a program that is about to name it; one this old does not."""


@dataclass(frozen=True, slots=True)
class AccountArchive:
    """The kept days of one account of the Fireworks at `host`, below the archive's folder `root`.

    Nothing is held open: any number of programs may use the same folder. Reading needs no lock; changing takes the
    archive's lock for as long as the manifest is rewritten. Every method raises ArchiveError.
    """

    root: Path
    host: str
    account: str
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """The account's own folder."""
        return self.root / _IN_A_NAME.sub("_", self.host) / self.account

    # -- looking -----------------------------------------------------------------------------------------------------
    def manifest(self) -> Manifest:
        """What is kept now. Raises DamagedManifestError and ArchiveLayoutError too."""
        path = self.folder / MANIFEST
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return Manifest(self.host, self.account)
        except OSError as error:
            raise cannot("read", path, error) from error
        manifest = read_manifest(data, name=str(path))
        if (manifest.host, manifest.account) != (self.host, self.account):
            # On a file system that takes upper for lower case, two accounts may lay claim to one folder.
            raise ArchiveError(f"{path} belongs to {manifest.account} at {manifest.host}; use the archive without {self.account}")
        return manifest

    def day_states(self, first: date, last: date) -> dict[date, DayState]:
        """What is known of each day from `first` to `last`, without days that are still to come."""
        now = self.clock()
        kept = self.manifest().days
        last = min(last, now.date())
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return {day: kept[day].state(now) if day in kept else "missing" for day in days}

    def read(self, days: Sequence[Day], types: EventTypes) -> Generator[Kept, None, None]:
        """The events of days that a manifest has; see `read_days`. What is damaged should be `set_aside`."""
        return read_days(self.folder, days, types, renewed=lambda day: self.manifest().days.get(day.date))

    # -- keeping -----------------------------------------------------------------------------------------------------
    def store(self, fetch: Fetch, days: Iterable[tuple[date, pl.DataFrame]]) -> None:
        """Keep whole days of one fetch, each in place of what there was of it; all of them, or none when this raises.

        A day that another program has fetched later is left as it is.
        """
        written: list[Day] = []
        try:
            try:
                self._make_folders()
                for day, events in days:
                    written.append(self._write_day(fetch, day, events))
                sync_folder(self.folder)
            except OSError as error:
                raise cannot("write to", self.folder, error) from error
            with self._locked():
                self._name(fetch, written)
            _log.info("kept %d days of %s from %s", len(written), self.account, fetch.source)
        finally:
            self._remove_unnamed(day.file for day in written)
        self._sweep()

    def set_aside(self, damages: Sequence[Damage]) -> None:
        """Take damaged days out of the manifest, so that they are missing, and move their files into a folder beside it."""
        for damage in damages:
            _log.info("set aside of %s: %s", self.account, damage)
        with self._locked():
            kept = self.manifest().days
            days = [each.day for each in damages if kept.get(each.day.date) == each.day]
            self._rewrite(lambda old: old.without(day.date for day in days))
            try:
                private_folder(self.folder / DAMAGED)
                for day in days:
                    with contextlib.suppress(FileNotFoundError):
                        (self.folder / day.file).replace(self.folder / DAMAGED / day.file)
            except OSError as error:
                raise cannot("move damaged files into", self.folder / DAMAGED, error) from error

    def recover(self) -> Path | None:
        """Move the whole folder of an account whose manifest is damaged out of the way, so that it starts anew.

        Returns where to; None when another program has done it already.
        """
        with self._locked():
            try:
                self.manifest()
            except DamagedManifestError:
                aside = self.root / SET_ASIDE / f"{self.folder.parent.name}+{self.account}+{secrets.token_hex(4)}"
                try:
                    private_folder(aside.parent)
                    self.folder.replace(aside)
                except OSError as error:
                    raise cannot("move away", self.folder, error) from error
                return aside
        return None

    def drop(self, dates: Iterable[date]) -> None:
        """Keep these days no longer."""
        with self._locked():
            old = self._rewrite(lambda old: old.without(dates))
        self._remove_unnamed(old.files)

    def drop_damaged(self, limit: date) -> None:
        """Remove the damaged days before `limit` that were set aside."""
        try:
            for path in (self.folder / DAMAGED).glob("????-??-??.*"):
                if path.name[:10] < str(limit):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot("remove from", self.folder / DAMAGED, error) from error

    # -- inside ------------------------------------------------------------------------------------------------------
    def _make_folders(self) -> None:
        for folder in (self.root, self.folder.parent, self.folder):
            private_folder(folder)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            private_folder(self.root)
        except OSError as error:
            raise cannot("make", self.root, error) from error
        with locked(self.root / LOCK):
            yield

    def _name(self, fetch: Fetch, written: Sequence[Day]) -> None:
        """Let the manifest name the days that have been written."""
        gone = next((day.file for day in written if day.file and not (self.folder / day.file).exists()), None)
        if gone is not None:
            raise ArchiveError(f"{self.folder / gone} was removed while it was being written; fetch its day again")
        now = self.clock()
        old = self._rewrite(lambda old: old.with_days(day for day in written if not _newer(old.days.get(day.date), fetch, now)))
        self._remove_unnamed(old.files)

    def _rewrite(self, edit: Callable[[Manifest], Manifest]) -> Manifest:
        """Within the lock, replace the manifest by an edited one; returns the old one."""
        old = self.manifest()
        new = edit(old)
        if new != old:
            try:
                replace(self.folder / MANIFEST, write_manifest(new))
            except OSError as error:
                raise cannot("write", self.folder / MANIFEST, error) from error
        return old

    def _write_day(self, fetch: Fetch, day: date, events: pl.DataFrame) -> Day:
        if events.is_empty():
            return Day(day, fetch, 0)
        further = tuple(
            column for column in events.columns if column not in COLUMNS and events[column].null_count() < len(events)
        )
        contents = io.BytesIO()
        plain = events.select(
            pl.col(column).cast(pl.String) if column in DIMENSION_COLUMNS.values() else pl.col(column)
            for column in (*COLUMNS, *further)
        )
        plain.write_parquet(contents, compression="zstd")
        data = contents.getvalue()
        file = f"{day}.{secrets.token_hex(8)}.parquet"
        write_new(self.folder / file, data)
        return Day(day, fetch, events.height, file, len(data), hashlib.sha256(data).hexdigest(), further)

    def _remove_unnamed(self, files: Iterable[str]) -> None:
        """Remove those of `files` that no day is kept in. What cannot be removed is left over, and harmless."""
        with contextlib.suppress(ArchiveError, OSError):
            for file in set(files) - self.manifest().files - {""}:
                (self.folder / file).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what programs that were ended have left over."""
        oldest = time.time() - LEFT_OVER_AFTER.total_seconds()  # by the clock that files have their times from
        with contextlib.suppress(ArchiveError, OSError), self._locked():
            self._remove_unnamed(
                path.name
                for path in self.folder.iterdir()
                if path.name != MANIFEST and path.is_file() and path.stat().st_mtime < oldest
            )


def _newer(kept: Day | None, fetch: Fetch, now: datetime) -> bool:
    """Whether a day is kept from a later fetch than this one."""
    return kept is not None and kept.fetch.believed(now) and kept.fetch.fetched_at > fetch.fetched_at


def days_of(frames: Sequence[pl.DataFrame], dates: Sequence[date]) -> Iterator[tuple[date, pl.DataFrame]]:
    """Each UTC day's events out of several frames, one day in memory at a time."""
    for day in dates:
        starts = pl.col("start_time").dt.date() == day
        parts = [frame.filter(starts) for frame in frames]
        yield day, pl.concat(parts, how="diagonal") if parts else pl.DataFrame()
