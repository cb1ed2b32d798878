"""Reading times as exports write them; all become UTC microseconds."""

from __future__ import annotations

import polars as pl

EXAMPLE = "2026-10-20 17:16:48 UTC"
"""The form Fireworks' own exporter writes, for messages."""

_EXPORT_FORM = "%Y-%m-%d %H:%M:%S UTC"
_OTHER_FORMS = (
    r"^\s*(?<clock>[0-9]{4}-[0-9]{2}-[0-9]{2}[ Tt][0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,](?<fraction>[0-9]{1,9}))?"
    r"\s*(?:UTC|utc|GMT|Z|z|(?<sign>[+-])(?<hours>[01][0-9]|2[0-3])(?::?(?<minutes>[0-5][0-9]))?)?\s*$"
)
_LATEST = 253_370_764_800_000_000
"""The year 9999 in microseconds. Days are cut in other zones, where a time beyond this leaves Python's calendar."""


def to_utc(text: pl.Series) -> pl.Series:
    """Read texts as times; null where a text is not a time between 1970 and 9998.

    Accepted are `2025-10-20 17:16:48 UTC`, the same with a fraction (cut to microseconds) or without suffix (UTC then),
    and RFC 3339 with `Z` or an offset.
    """
    times = text.str.to_datetime(_EXPORT_FORM, time_unit="us", time_zone="UTC", strict=False, cache=False)
    if times.null_count() > text.null_count():
        # Distinct texts only: the same second comes thousands of times in a large export.
        rest = text.filter(times.is_null()).unique().drop_nulls()
        times = times.fill_null(text.replace_strict(rest, _other_forms(rest), default=None, return_dtype=times.dtype))
    return believable(times)


def to_utc_beside(text: pl.Series, other: pl.Series, read: pl.Series) -> pl.Series:
    """The same as `to_utc(text)`, faster when most texts equal those of `other`, already read as `read`."""
    different = text.ne_missing(other).arg_true()
    if 4 * different.len() > text.len():
        return to_utc(text)
    return read.clone().scatter(different, to_utc(text.gather(different))).alias(text.name)


def believable(times: pl.Series) -> pl.Series:
    """Null out UTC times outside 1970 to 9998, which are damage and not usage."""
    ticks = times.to_physical()
    low, high = ticks.min(), ticks.max()
    if low is None or (low >= 0 and high < _LATEST):  # type: ignore[operator]
        return times
    return times.to_frame().select(pl.when((ticks >= 0) & (ticks < _LATEST)).then(pl.first())).to_series()


def _other_forms(text: pl.Series) -> pl.Series:
    parts = text.str.extract_groups(_OTHER_FORMS).struct.unnest()
    clock = (
        pl.col("clock").str.to_uppercase().str.replace("T", " ", literal=True)
        .str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC", strict=False)
    )  # fmt: skip
    fraction = pl.col("fraction").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).fill_null(0)
    minutes = pl.col("hours").cast(pl.Int64).fill_null(0) * 60 + pl.col("minutes").cast(pl.Int64).fill_null(0)
    ahead = pl.when(pl.col("sign") == "-").then(-minutes).otherwise(minutes)
    return parts.select(clock + pl.duration(microseconds=fraction) - pl.duration(minutes=ahead)).to_series()
