"""Exported files as a source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from fwbill_tui.files.inputs import Input, OnUnreadable, UnreadableFile, expand
from fwbill_tui.files.reading import is_rollup, read_inputs
from fwbill_tui.sources.room import MOST, free_memory, memory_of_events
from fwbill_tui.sources.source import Progress, Provenance
from fwbill_tui.usage.csv_reader import THREADS
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

_FRUGAL_CHUNK_BYTES = 8 << 20
_SUMMED_CHUNK_BYTES = 14 << 20
"""Larger, since their events are mostly not held."""
_FRUGAL_THREADS = max(THREADS - 1, 1)


class FileSource:
    """One or more exported files. Everything in them is read; the query's range is a filter, not part of the load."""

    kind = "files"
    needs_range = False

    def __init__(
        self, arguments: Sequence[str], *, skip_unreadable: bool = False, lazy: bool = False, frugal: bool = False
    ) -> None:
        """`arguments` are files, globs, folders or `-`. Raises UnreadableFile for one that names nothing,
        and without `skip_unreadable` for what cannot be looked into.

        `lazy` leaves the events on disk even where they would fit into memory. `frugal` reads in smaller steps,
        which takes less memory and a little longer; events that stay on disk are read so always.
        """
        self._frugal = frugal
        self._unread: list[str] = []  # folders that could not be looked into
        on_unreadable = (lambda error: self._unread.append(str(error))) if skip_unreadable else None
        self._inputs = expand(arguments, on_unreadable=on_unreadable)
        self._lazy = lazy
        self._skip_unreadable = skip_unreadable
        self._problems: list[str] = []
        self._unended: list[str] = []
        self._read_at: datetime | None = None
        self._stopped = False

    @property
    def label(self) -> str:
        """The file's name, or how many there are."""
        return self._inputs[0].name if len(self._inputs) == 1 else f"{len(self._inputs)} files"

    @cached_property
    def lazy(self) -> str:
        """Why the events stay on disk, in a person's words; '' when they are to be held in memory."""
        if self._lazy:
            return "as asked for"
        needed, free = memory_of_events(self._inputs), free_memory()
        if free is None or needed <= free * MOST:
            return ""
        return f"in memory they would take {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free"

    @property
    def size(self) -> int | None:
        """Bytes of all files on disk; None when that is not known before the end."""
        sizes = [file.size for file in self._inputs]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def repeatable(self) -> bool:
        """Whether all of it can be read a second time, unlike standard input."""
        return all(file.url is not None or file.size is not None for file in self._inputs)

    def has_rollups(self) -> bool:
        """Whether the first file is a rollup, so that `RollupSource` reads it. Reads its beginning.

        Raises UnreadableFile, unless unreadable files are skipped.
        """
        try:
            return is_rollup(self._inputs[0])
        except UnreadableFile:
            if self._skip_unreadable:
                return False
            raise

    def reads(self, path: Path) -> bool:
        """Whether a path leads to one of the files."""
        for file in self._inputs:
            with suppress(OSError):  # one that is not there is none of them
                if file.path is not None and file.path.samefile(path):
                    return True
        return False

    def batches(
        self, wanted: TimeRange, /, *, types: EventTypes, progress: Callable[[Progress], None], cancelled: threading.Event
    ) -> Iterator[Batch]:
        """Every batch of every file, in order; the range is left to the query."""
        del wanted
        self._problems.clear()
        self._unended.clear()
        self._stopped = True
        total, done = self.size, 0
        on_unreadable = (lambda error: self._problems.append(str(error))) if self._skip_unreadable else None
        reading = self._read(types, on_unreadable)
        try:
            for batch in reading:
                if cancelled.is_set():
                    return
                done += batch.bytes_read
                progress(Progress((), done, total))
                yield batch
        except UnreadableFile as error:
            if len(self._inputs) == 1:
                raise
            reason = f"{error.reason}; --skip-unreadable goes on without it"
            raise UnreadableFile(error.name, reason, error.events) from error
        finally:
            reading.close()
        self._read_at, self._stopped = datetime.now(UTC), False

    def _read(self, types: EventTypes, on_unreadable: OnUnreadable) -> Generator[Batch, None, None]:
        if not (self._frugal or self.lazy):
            return read_inputs(self._inputs, types=types, on_unreadable=on_unreadable, on_unended=self._on_unended)
        chunk_bytes = _SUMMED_CHUNK_BYTES if types.summed else _FRUGAL_CHUNK_BYTES
        return read_inputs(
            self._inputs, types=types, on_unreadable=on_unreadable, chunk_bytes=chunk_bytes, threads=_FRUGAL_THREADS,
            on_unended=self._on_unended,
        )  # fmt: skip

    def _on_unended(self, file: Input) -> None:
        if file.path is not None:  # what is piped in is often a line or two, written by hand
            self._unended.append(file.name)

    def in_zone(self, time_zone: str) -> FileSource:
        """The same source: its events are the same in every zone."""
        del time_zone
        return self

    def provenance(self) -> Provenance:
        """Files are complete but for those that could not be read."""
        missing = [(TimeRange(), problem) for problem in dict.fromkeys([*self._unread, *self._problems])]
        if self._stopped:
            missing.append((TimeRange(), "reading was stopped before the end"))
        doubts = self._doubts()
        return Provenance(self.kind, self.label, None, self._read_at, tuple(missing), doubts, doubts=doubts)

    def _doubts(self) -> tuple[str, ...]:
        if not self._unended:
            return ()
        first, more = self._unended[0], len(self._unended) - 1
        others = f" and {more:,} other file{'s' * (more > 1)}" if more else ""
        return (f"{first}{others}: the last line has no line end; it may be cut",)


class RollupSource(FileSource):
    """Rollups that were computed elsewhere. Load it with a `RollupBuilder`."""

    kind = "rollup"

    @property
    def label(self) -> str:
        """The file's name, or how many there are, and that they are rollups."""
        return f"{super().label} (rollup)"

    def _read(self, types: EventTypes, on_unreadable: OnUnreadable) -> Generator[Batch, None, None]:
        from fwbill_tui.files.rollup_reader import read_rollups

        return read_rollups(self._inputs, types=types, on_unreadable=on_unreadable)
