"""A range of any length as the windows of at most 31 days that one call takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.zones import start_of_day

LONGEST = timedelta(days=31)
DEFAULT_SPAN = timedelta(hours=24)


def closed(wanted: TimeRange, now: datetime) -> TimeRange:
    """The range with both edges: an open end is `now`, an open start 24 hours before the end, as the service has it.

    Raises QueryError for a range without an end that starts after `now`.
    """
    end = wanted.end or now.astimezone(UTC)
    return TimeRange(wanted.start or end - DEFAULT_SPAN, end)


def cut(wanted: TimeRange, longest: timedelta = LONGEST) -> list[TimeRange]:
    """The range as consecutive windows that share their (exclusive) edges, so that they tile it exactly.

    Inner edges are UTC midnights, so that every window but the first and last holds whole days. Raises ValueError for a
    range with an open edge (see `closed`) and for `longest` below a day.
    """
    if wanted.start is None or wanted.end is None or longest < timedelta(days=1):
        raise ValueError("only a closed range is cut, and into windows of a day at least")
    windows, start = [], wanted.start
    while wanted.end - start > longest:
        midnight = (start + longest).replace(hour=0, minute=0, second=0, microsecond=0)
        windows.append(TimeRange(start, midnight))
        start = midnight
    return [*windows, TimeRange(start, wanted.end)]


def cut_days(first: date, last: date, time_zone: str, longest: timedelta = LONGEST) -> list[TimeRange]:
    """The local days from `first` to before `last` as windows of whole days that tile them; none when there is no day."""
    windows = []
    while first < last:
        end = min(last, first + longest)
        while start_of_day(end, time_zone) - start_of_day(first, time_zone) > longest:  # a day in it has 25 hours
            end -= timedelta(days=1)
        windows.append(TimeRange(start_of_day(first, time_zone), start_of_day(end, time_zone)))
        first = end
    return windows
