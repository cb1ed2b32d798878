"""An account as a source, by the documented REST API: a day's usage per row, not single events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import polars as pl

from fwbill_tui.fireworks.billing_usage import BillingUsage
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import FireworksError
from fwbill_tui.fireworks.rest import RestClient
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.fireworks.usage_answer import Row
from fwbill_tui.fireworks.windows import cut_days
from fwbill_tui.sources.source import Grain
from fwbill_tui.sources.windowed import Fetched, Task, WindowedSource, outside
from fwbill_tui.usage.cells import convert
from fwbill_tui.usage.names import COLUMNS, COUNT_COLUMNS, TIME_COLUMNS
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes
from fwbill_tui.usage.zones import local_date, start_of_day, zone

WORKERS = 2
EMPTY = "for some dates the service answers with nothing at all, which is no proof that there was no usage"
OTHER_DAYS = "the service has not cut the days as asked, so they may not be whole"
UNDATED = "the service has not dated all usage; what is undated is shown on the first day of the dates asked for together"
_FURTHER = (
    "api_key_id", "api_key_name", "deployment", "placement", "job_id", "job_type", "training_session_id",
    "annotations.team", "annotations.project", "annotations.environment", "audio_input_seconds",
)  # fmt: skip
_DAY = timedelta(days=1)


class RestSource(WindowedSource):
    """Fetches an account's usage by day, the days cut in one time zone, and by all dimensions the service knows."""

    grain: ClassVar[Grain] = "day"
    left_out: ClassVar[str] = "usage by day has no parts of days: choose whole days"

    def __init__(
        self,
        endpoints: Endpoints,
        credential: Credential,
        account: str,
        *,
        time_zone: str = "UTC",
        workers: int = WORKERS,
        policy: RetryPolicy | None = None,
        leave_on: tuple[type[FireworksError], ...] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`time_zone`: an IANA name, where days begin and end. Raises BadAccountId, and QueryError for an unknown zone."""
        super().__init__(
            account,
            kind="rest",
            label="REST usage by day",
            workers=workers,
            leave_on=leave_on,
            clock=clock,
        )
        self._endpoints = endpoints
        self._credential = credential
        self.time_zone = zone(time_zone).key
        self._policy = policy

    def in_zone(self, time_zone: str) -> RestSource:
        """The same source with its days cut in another zone. Raises QueryError for an unknown one."""
        other = copy(self)
        other.time_zone = zone(time_zone).key
        return other

    def _cut(self, wanted: TimeRange, now: datetime) -> list[TimeRange]:
        """Whole local days: the first whole one, to the last whole one or the one that is still going on."""
        assert wanted.start is not None
        assert wanted.end is not None
        first, last = self._day(wanted.start), self._day(wanted.end)
        if start_of_day(first, self.time_zone) < wanted.start:
            first += _DAY
        if start_of_day(last, self.time_zone) < wanted.end and now < start_of_day(last + _DAY, self.time_zone):
            last += _DAY
        return cut_days(first, last, self.time_zone)

    def _day(self, instant: datetime) -> date:
        return local_date(instant, self.time_zone)

    def _opened(self, task: Task, stack: contextlib.ExitStack) -> Callable[[int], Fetched]:
        client = RestClient(self._endpoints, self._credential, cancelled=task.stop, policy=self._policy)
        usage = BillingUsage(stack.enter_context(client), self.account, time_zone=self.time_zone)
        return _Fetch(usage, self.time_zone, task).window


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One fetch of several windows: what each of them does, in a thread of the crew."""

    usage: BillingUsage
    time_zone: str
    task: Task

    def window(self, number: int) -> Fetched:
        """Ask for and read one window. Raises FireworksError."""
        window, board = self.task.windows[number], self.task.board
        board.update(number, state="exporting")
        usage = self.usage.read(window, on_wait=self.task.waiting(number))
        notes = [f"each row is a day's usage ({self.time_zone}); embeddings and images are not in it", *usage.notes]
        if not usage.rows:
            return Fetched([], notes=(*notes, EMPTY))
        if any("start_time" not in row for row in usage.rows):
            notes.append(UNDATED)
        events = frame([self._dated(row, window) for row in usage.rows], self.task.types)
        if not self._local_midnights(events["start_time"]):
            notes.append(OTHER_DAYS)
        board.update(number, state="reading", events=events.height)
        return Fetched([Batch(events, by_day=True)], outside(events, window), tuple(notes))

    def _dated(self, row: Row, window: TimeRange) -> Row:
        """The row with both times: a day's end where it has its start alone, the window's where it has none."""
        start = row.get("start_time")
        if not isinstance(start, datetime):
            assert window.start is not None
            assert window.end is not None
            return row | {"start_time": window.start, "end_time": window.end}
        day = local_date(start, self.time_zone)
        return {"end_time": start_of_day(day + _DAY, self.time_zone), **row}

    def _local_midnights(self, starts: pl.Series) -> bool:
        moments: list[datetime] = starts.unique().to_list()
        return all(start_of_day(local_date(moment, self.time_zone), self.time_zone) == moment for moment in moments)


def frame(rows: list[Row], types: EventTypes) -> pl.DataFrame:
    """Dated rows of an answer as a frame of events. Raises TooManyLabels."""
    present = {column for row in rows for column in row}
    known = [column for column in (*COLUMNS, *_FURTHER) if column in present]
    cells = pl.DataFrame(
        [
            pl.Series(column, [row.get(column) for row in rows], dtype=_stored(column), strict=True)
            for column in (*known, *sorted(present.difference(known)))
        ]
    )
    events, faults = convert(cells, types)
    assert not faults, faults  # every value was checked when the answer was read
    return events


def _stored(column: str) -> pl.DataType:
    if column in TIME_COLUMNS:
        return pl.Datetime("us", "UTC")
    if column in COUNT_COLUMNS:
        return pl.Int64()
    return pl.Float64() if column == "accelerator_seconds" else pl.String()
