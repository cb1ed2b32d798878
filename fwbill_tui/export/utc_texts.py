"""UTC times as Fireworks writes them, put together from texts of days and of seconds: several times as fast as a format."""

from __future__ import annotations

from functools import cache

import polars as pl

FORM = "%Y-%m-%d %H:%M:%S%.f UTC"
"""Fireworks' own; %.f writes a fraction only where there is one."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_MOST_DAYS = 50_000
"""As many days, from 1970 on, have their texts kept: until 2106."""


def with_utc_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its UTC times as text: `2026-10-01 09:02:24 UTC`, with the fraction of a second where there is one."""
    columns = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime) and dtype.time_zone == "UTC"]
    texts: list[pl.Series] = []
    for name in columns:
        texts.append(_texts_beside(frame[name], frame[columns[0]], texts[0]) if texts else _texts(frame[name]))
    return frame.with_columns(texts)


def _texts_beside(times: pl.Series, others: pl.Series, texts: pl.Series) -> pl.Series:
    """The texts of times of which most may equal others, as an event ends when it starts; `texts` are those of the others."""
    if times.dtype == others.dtype:
        rows = times.ne_missing(others).arg_true()
        if len(rows) < len(times) // 4:
            return texts.alias(times.name).scatter(rows, _texts(times.gather(rows)))
    return _texts(times)


def _texts(times: pl.Series) -> pl.Series:
    ticks = times.to_physical()
    low, high = ticks.min(), ticks.max()
    if times.dtype != pl.Datetime("us", "UTC") or not isinstance(low, int) or not isinstance(high, int):
        return times.dt.to_string(FORM)
    if low < 0 or high >= _MOST_DAYS * _DAY or (ticks % _SECOND != 0).any():
        return times.dt.to_string(FORM)
    days = _days().gather((ticks // _DAY).cast(pl.UInt32))
    seconds = _seconds().gather((ticks // _SECOND % 86_400).cast(pl.UInt32))
    return pl.select(pl.concat_str(days, seconds)).to_series().alias(times.name)


@cache
def _days() -> pl.Series:
    return pl.select(pl.int_range(_MOST_DAYS, dtype=pl.Int32).cast(pl.Date).dt.to_string("%Y-%m-%d ")).to_series()


@cache
def _seconds() -> pl.Series:
    clock = pl.int_range(0, _DAY, _SECOND, dtype=pl.Int64).cast(pl.Datetime("us"))
    return pl.select(clock.dt.to_string("%H:%M:%S UTC")).to_series()
