"""What all sources of an account's usage share: a range cut into windows that a few threads fetch, and what became of each."""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, ClassVar

import polars as pl

from fwbill_tui.fireworks.credentials import account_id
from fwbill_tui.fireworks.errors import NOT_GIVEN, Cancelled, FireworksError, UnexpectedAnswer
from fwbill_tui.fireworks.retry import OnWait
from fwbill_tui.fireworks.windows import closed, cut
from fwbill_tui.sources.board import Board
from fwbill_tui.sources.crew import Crew
from fwbill_tui.sources.source import Grain, Progress, Provenance, WindowEnd
from fwbill_tui.usage.csv_reader import read_csv
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

_CHUNK_BYTES = 4 << 20  # small enough that a cancel between two chunks is prompt


@dataclass(frozen=True, slots=True)
class Task:
    """One fetch as the threads see it: the windows, the types of what is read, where to report to, and when to end."""

    wanted: TimeRange
    windows: list[TimeRange]
    types: EventTypes
    board: Board
    stop: threading.Event

    def waiting(self, number: int) -> OnWait:
        """For `retrying`: tells the board what a window waits for."""

        def on_wait(seconds: float, error: FireworksError) -> None:
            self.board.waiting(number, seconds, error.message)

        return on_wait

    def read(self, stream: BinaryIO, source: str, number: int, *, before: int = 0) -> list[Batch]:
        """The events of an exported file of a window that has `before` events already.

        Raises UnexpectedAnswer for what is no export, TooManyLabels, and Cancelled.
        """
        batches = []
        try:
            for batch in read_csv(stream, source=source, types=self.types, chunk_bytes=_CHUNK_BYTES):
                if self.stop.is_set():
                    raise Cancelled
                batches.append(batch)
                before += batch.events.height
                self.board.update(number, state="reading", events=before)
        except ExportFormatError as error:
            raise UnexpectedAnswer(str(error), NOT_GIVEN) from None
        return batches


@dataclass(frozen=True, slots=True)
class Fetched:
    """The events of one window, whole, how many of them start outside it, and what to know of them."""

    batches: list[Batch]
    outside: int = 0
    notes: tuple[str, ...] = ()


class WindowedSource(ABC):
    """Fetches an account's usage, a few windows of at most 31 days at a time; how one is fetched is the subclass's business.

    A window that fails alone is named in the provenance, and `batches` of exactly its range fetches it again; when nothing
    at all could be had, the first reason is raised. Rows are kept as the service sent them, also those that start outside
    the window they were asked for (a note counts them): leaving out rows is the query's business.
    """

    needs_range = True
    grain: ClassVar[Grain] = "event"
    left_out: ClassVar[str] = ""

    def __init__(
        self,
        account: str,
        *,
        kind: str,
        label: str,
        workers: int,
        leave_on: tuple[type[FireworksError], ...] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`leave_on`: failures for which the caller has another way; one before anything has come of any window ends all.

        Raises BadAccountId.
        """
        self.kind = kind
        self.label = label
        self.account = account_id(account)
        self._workers = workers
        self._leave_on = leave_on
        self._clock = clock
        self._provenance = Provenance(kind, label, self.account, grain=self.grain)

    def in_zone(self, time_zone: str) -> WindowedSource:
        """The same source: its events are the same in every zone."""
        del time_zone
        return self

    def provenance(self) -> Provenance:
        """About the last `batches`: what is missing of its range, and why."""
        return self._provenance

    def batches(
        self,
        wanted: TimeRange,
        /,
        *,
        types: EventTypes,
        progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Iterator[Batch]:
        """The usage of `wanted`; an open end is now, an open start 24 hours before the end. See `Source.batches`.

        Raises FireworksError when the sign-in, the account or the disk makes every window impossible, or when none could
        be had; TooManyLabels as `read_csv` does.
        """
        now = self._clock().astimezone(UTC).replace(microsecond=0)
        wanted = closed(wanted, now)
        windows = self._cut(wanted, now)
        board = Board(windows, progress)
        stop = threading.Event()
        tally = _Tally(windows)
        tally.left_out = _margins(wanted, windows, self.left_out)

        def idle() -> None:
            board.flush()
            if cancelled.is_set():
                raise Cancelled

        try:
            with contextlib.ExitStack() as stack:
                fetch = self._opened(Task(wanted, windows, types, board, stop), stack)
                crew = stack.enter_context(Crew(fetch, len(windows), workers=self._workers, stop=stop))
                for number, result in crew.results(idle=idle):
                    if isinstance(result, BaseException):
                        if isinstance(result, self._leave_on) and not board.anything_came:
                            raise result
                        tally.failed(number, result)
                        board.update(number, state="failed", problem=str(result))
                        continue
                    while result.batches:
                        yield result.batches.pop(0)
                    tally.done(number, result)
                    board.update(number, state="done")
                    yield self._end(windows[number], types)
            tally.raise_if_nothing()
        except FireworksError as error:
            tally.ended(str(error))
            raise
        finally:
            board.cancel_rest()
            board.flush(now=True)
            self._provenance = Provenance(
                self.kind, self.label, self.account, now, tally.all_missing(), tally.notes(), grain=self.grain
            )

    def _end(self, window: TimeRange, types: EventTypes) -> WindowEnd:
        return WindowEnd(types.frame_schema().to_frame(), window=window, kind=self.kind)

    def _cut(self, wanted: TimeRange, now: datetime) -> list[TimeRange]:
        """The windows of a range with both edges. What they leave out at its ends is missing, for the reason `left_out`."""
        del now
        return cut(wanted)

    @abstractmethod
    def _opened(self, task: Task, stack: contextlib.ExitStack) -> Callable[[int], Fetched]:
        """Open what the windows share, to be closed with `stack`; returned is what fetches one window, in any thread.

        It raises FireworksError, and soon after `task.stop` is set.
        """


def outside(events: pl.DataFrame, window: TimeRange) -> int:
    """How many events start outside a window with both edges."""
    started = events["start_time"]
    return int(((started < window.start) | (started >= window.end)).sum())


def named(account: str, window: TimeRange) -> str:
    """How rejects and messages name a window's file: by account and first and last day."""
    assert window.start is not None
    assert window.end is not None
    last = window.end - timedelta(microseconds=1)
    return f"{account} {window.start:%Y-%m-%d}..{last:%Y-%m-%d}"


def _margins(wanted: TimeRange, windows: list[TimeRange], reason: str) -> list[tuple[TimeRange, str]]:
    """The parts of a range that are in no window."""
    if not windows:
        return [(wanted, reason)]
    edges = ((wanted.start, windows[0].start), (windows[-1].end, wanted.end))
    return [(TimeRange(start, end), reason) for start, end in edges if start and end and start < end]


class _Tally:
    """Which windows are still missing, why, and what the first reason was."""

    def __init__(self, windows: list[TimeRange]) -> None:
        self.missing = {number: (window, "not fetched") for number, window in enumerate(windows)}
        self._windows = len(windows)
        self._first: BaseException | None = None
        self._outside = 0
        self._notes: dict[str, None] = {}
        self.left_out: list[tuple[TimeRange, str]] = []

    def done(self, number: int, fetched: Fetched) -> None:
        """A window is there, whole."""
        del self.missing[number]
        self._outside += fetched.outside
        self._notes |= dict.fromkeys(fetched.notes)

    def failed(self, number: int, error: BaseException) -> None:
        """A window could not be had. Raises `error` when it stands for all windows, or is not a failure of fetching."""
        if not isinstance(error, FireworksError) or error.everywhere:
            raise error
        self.missing[number] = (self.missing[number][0], str(error))
        self._first = self._first or error

    def ended(self, reason: str) -> None:
        """The fetch ended early: the reason of every window that had not ended."""
        for number, (window, known) in self.missing.items():
            if known == "not fetched":
                self.missing[number] = (window, reason)

    def raise_if_nothing(self) -> None:
        """Raise the first reason when not a single window could be had: that is a failure, not an empty answer."""
        if self._first and len(self.missing) == self._windows:
            raise self._first

    def all_missing(self) -> tuple[tuple[TimeRange, str], ...]:
        """Windows that could not be had, and what is in no window."""
        return (*self.missing.values(), *self.left_out)

    def notes(self) -> tuple[str, ...]:
        """What else to know of the events."""
        if not self._outside:
            return tuple(self._notes)
        kept = f"{self._outside:,} events start outside the dates they were asked for"
        return (*self._notes, kept)
