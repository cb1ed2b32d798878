"""Kept days as typed events. Every byte is checked before it is believed: what is decoded is what was hashed."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl

from fwbill_tui.archive.manifest import Day
from fwbill_tui.usage.cells import TooManyLabels
from fwbill_tui.usage.names import COLUMNS, DIMENSION_COLUMNS
from fwbill_tui.usage.schema import EventTypes

_ROWS = 1 << 19
"""About as many events are decoded together: few enough to show something soon, enough that small days cost little."""
_MOST_DAYS = 64
_THREADS = 2

Renewed = Callable[[Day], Day | None]
"""What the manifest says of a day now; None when it does not have it any more."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A kept day that cannot be believed, and why. `file` is where it lies; `unread`: it may be sound, but cannot be read now."""

    day: Day
    file: Path
    reason: str
    unread: bool = False

    def __str__(self) -> str:
        return f"{self.file} ({self.day.date}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Kept:
    """The events of some days, in the order of the days, in one chunk; `size` in bytes on the disk."""

    days: tuple[Day, ...]
    events: pl.DataFrame
    size: int
    damaged: tuple[Damage, ...] = ()


def read_days(folder: Path, days: Sequence[Day], types: EventTypes, *, renewed: Renewed) -> Generator[Kept, None, None]:
    """The events of `days`, a few days at a time. A day that another program replaces meanwhile is read as it is then.

    Days that cannot be believed are in `damaged` and have no events. Raises TooManyLabels when `types` cannot number the
    labels of a column.
    """
    reader = _Reader(folder, types, renewed)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="fwbill-archive") as pool:
        waiting: deque[Future[Kept]] = deque()
        try:
            for together in _parts(days):
                waiting.append(pool.submit(reader.read, together))
                if len(waiting) > _THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def checked(folder: Path, day: Day) -> bytes | Damage:
    """The bytes of a day's file, or what is wrong with them. Raises FileNotFoundError."""
    path = folder / day.file
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        return Damage(day, path, f"it cannot be read: {error.strerror or error}", unread=True)
    if len(data) != day.size:
        return Damage(day, path, f"it has {len(data):,} bytes, {day.size:,} were written")
    if hashlib.sha256(data).hexdigest() != day.checksum:
        return Damage(day, path, "its checksum does not fit")
    return data


@dataclass(frozen=True, slots=True)
class _Reader:
    folder: Path
    types: EventTypes
    renewed: Renewed

    def read(self, days: Sequence[Day]) -> Kept:
        found: list[tuple[Day, bytes]] = []
        damaged: list[Damage] = []
        for day in days:
            now, data = self._bytes(day)
            if isinstance(data, Damage):
                damaged.append(data)
            else:
                found.append((now, data))
        try:
            frames = [
                self._decode([data for _, data in alike if data], further)
                for further, alike in groupby(found, key=lambda each: each[0].further)
            ]
        except pl.exceptions.PolarsError:
            frames = [self._alone(day, data, damaged) for day, data in found]
            found = [(day, data) for day, data in found if day not in {each.day for each in damaged}]
        events = frames[0] if len(frames) == 1 else pl.concat(frames or [self._decode([], ())], how="diagonal")
        return Kept(tuple(day for day, _ in found), events.rechunk(), sum(day.size for day, _ in found), tuple(damaged))

    def _alone(self, day: Day, data: bytes, damaged: list[Damage]) -> pl.DataFrame:
        """One day's events; none, and a further damage, when they cannot be decoded."""
        try:
            return self._decode([data] if data else [], day.further)
        except pl.exceptions.PolarsError as error:
            damaged.append(Damage(day, self.folder / day.file, f"it cannot be decoded: {str(error).splitlines()[0]}"))
            return self._decode([], ())

    def _bytes(self, day: Day) -> tuple[Day, bytes | Damage]:
        now = day
        for _ in range(3):  # a day may be replaced between a look at the manifest and one at its file, but not for ever
            if not now.file:
                return now, b""
            try:
                return now, checked(self.folder, now)
            except FileNotFoundError:
                renewed = self.renewed(now)
                if renewed is None or renewed == now:
                    break
                now = renewed
        return day, Damage(day, self.folder / day.file, "the file is gone")

    def _decode(self, files: Sequence[bytes], further: tuple[str, ...]) -> pl.DataFrame:
        if not files:
            return self.types.frame_schema(further).to_frame()
        labels = [pl.col(column).cast(self.types.of(column)) for column in DIMENSION_COLUMNS.values()]
        scan = pl.scan_parquet(list(files)).with_columns(labels).select(*COLUMNS, *further)
        batches: Iterator[pl.DataFrame] = scan.collect_batches(chunk_size=2 * _ROWS, maintain_order=True)
        try:
            return pl.concat(batches)
        except pl.exceptions.ComputeError as error:
            if "more categories than" in str(error):
                raise TooManyLabels("a label column") from error
            raise


def _parts(days: Iterable[Day]) -> Iterator[list[Day]]:
    """Days in parts that are decoded together."""
    part: list[Day] = []
    for day in days:
        if part and (len(part) == _MOST_DAYS or sum(each.rows for each in part) + day.rows > _ROWS):
            yield part
            part = []
        part.append(day)
    if part:
        yield part
