"""Local hours: where they begin, also in the night on which the clocks of a zone change.

An hour is a stretch of time in which the clock shows the same hour with the same offset. It begins on the full local
hour or, where the clocks changed by less than an hour (Lord Howe Island), with the change. Hours so cut leave no gap
and do not overlap; the two like-named hours of an autumn night are two.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from fwbill_tui.usage.zones import zone


def hour_start(instant: datetime, time_zone: str) -> datetime:
    """When the local hour of an instant began, in the zone. Clocks are taken to change on a full hour."""
    clock = zone(time_zone)
    local = instant.astimezone(clock)
    begin = _earlier(instant, local.minute, local.second, local.microsecond).astimezone(clock)
    # A begin that is not a full hour lies before the change of the clocks, which was due on the full hour after it.
    return _earlier(begin, begin.minute - 60).astimezone(clock) if begin.minute else begin


def next_hour(begin: datetime, time_zone: str) -> datetime:
    """When the local hour after the one that began at `begin` begins, in the zone."""
    return hour_start(_earlier(begin, -60), time_zone)


def hour_start_of(local: pl.Expr) -> pl.Expr:
    """`hour_start` of times that are whole minutes in a zone, as a Polars expression."""
    begin = local - pl.duration(minutes=local.dt.minute())
    return pl.when(begin.dt.minute() == 0).then(begin).otherwise(begin + pl.duration(minutes=60 - begin.dt.minute()))


def _earlier(instant: datetime, minutes: int, seconds: int = 0, microseconds: int = 0) -> datetime:
    """So much time earlier on a clock that never changes."""
    length = timedelta(minutes=minutes, seconds=seconds, microseconds=microseconds)
    return instant.astimezone(zone("UTC")) - length
