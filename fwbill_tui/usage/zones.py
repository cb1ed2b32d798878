"""Local days: where they begin, in any IANA time zone and on the days when its clocks change.

A day begins at its first instant. That is local midnight, except where the clocks jump over it (then the day begins
with the jump) or where it comes twice (then it begins with the first). Days so cut leave no gap and do not overlap.
"""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from fwbill_tui.usage.query import QueryError

FIRST_YEAR, LAST_YEAR = 1970, 2999
"""Dates outside of these years are refused: no usage is there, and `datetime` overflows near its own limits."""


_NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
"""Files of a time-zone database that Polars' own does not have."""


@cache
def zone_names() -> tuple[str, ...]:
    """All IANA time zones this machine knows, sorted. Reads the time-zone database once (tens of milliseconds)."""
    return tuple(sorted(available_timezones() - _NO_PLACES))


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of that exact name. Raises QueryError with names that are near."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfo answers a folder, a path and an unknown name each in its own way
        raise QueryError(_no_such_zone(name)) from None


def zone_name(text: str) -> str:
    """The right spelling of a zone's name typed in any letter case. Raises QueryError with names that are near."""
    name = text.strip()
    exact = {known.casefold(): known for known in zone_names()}.get(name.casefold())
    if exact is None:
        raise QueryError(_no_such_zone(name))
    return exact


def _no_such_zone(name: str) -> str:
    if not name:
        return "write a time zone, such as UTC or Europe/Berlin"
    places = {known.rpartition("/")[2].casefold(): known for known in zone_names()}
    near = difflib.get_close_matches(name.casefold(), places, n=1, cutoff=0.75) or difflib.get_close_matches(
        name.casefold().rpartition("/")[2], places, n=1, cutoff=0.75
    )
    hint = f"did you mean {places[near[0]]}?" if near else "write one such as UTC or Europe/Berlin"
    return f"no time zone is called {name!r}: {hint}"


def check_date(day: date) -> date:
    """The day itself. Raises QueryError when it lies outside of the years that are understood."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise QueryError(f"the year {day.year} is out of reach: use one from {FIRST_YEAR} to {LAST_YEAR}")
    return day


def start_of_day(day: date, time_zone: str) -> datetime:
    """The first instant of a local day, in UTC. A day that a zone left out begins where the next one does."""
    tz = zone(time_zone)
    midnight = datetime.combine(day, time(), tzinfo=tz)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # The clocks jump over midnight: the jump lies between midnight read by the new clock and by the old one.
    before = midnight.replace(fold=1).astimezone(UTC)
    old, low, high = before.astimezone(tz).utcoffset(), 0, int((instant - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(tz).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def end_of_day(day: date, time_zone: str) -> datetime:
    """The first instant after a local day, in UTC."""
    return start_of_day(day + timedelta(days=1), time_zone)


def local_date(instant: datetime, time_zone: str) -> date:
    """The local day an instant falls on."""
    return instant.astimezone(zone(time_zone)).date()


def at_local_time(wall: datetime, time_zone: str) -> datetime:
    """The instant at which the zone's clocks show `wall` (naive), the first if they show it twice, in UTC.

    Raises QueryError when they never do.
    """
    tz = zone(time_zone)
    instant = wall.replace(tzinfo=tz).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) != wall:
        raise QueryError(
            f"{wall:%Y-%m-%d %H:%M} never came in {time_zone}, its clocks jumped over it: take an earlier or later time"
        )
    return instant


def months_later(day: date, months: int) -> date:
    """The same day of the month so many months later, or the month's last day where it has no such day."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    check_date(date(min(max(year, 1), 9999), 1, 1))
    first_of_next = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (first_of_next - timedelta(days=1)).day))
