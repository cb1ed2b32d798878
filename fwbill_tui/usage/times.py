"""Reading times as exports write them; all become UTC microseconds."""

from __future__ import annotations

import polars as pl

from fwbill_tui.usage.names import TIME_COLUMNS

EXAMPLE = "2026-10-20 17:16:48 UTC"
"""The form Fireworks' own exporter writes, for messages."""

_EXPORT_FORM = "%Y-%m-%d %H:%M:%S UTC"
_OTHER_FORMS = (
    r"^\s*(?<clock>[0-9]{4}-[0-9]{2}-[0-9]{2}[ Tt][0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,](?<fraction>[0-9]{1,9}))?"
    r"\s*(?:UTC|utc|GMT|Z|z|(?<sign>[+-])(?<hours>[01][0-9]|2[0-3])(?::?(?<minutes>[0-5][0-9]))?)?\s*$"
)
_REST = " "
"""Before a column's name: its texts that are not read yet. No header has such a name."""
LATEST = 253_370_764_800_000_000
"""The year 9999 in microseconds; times are before it. Days are cut in other zones, where one beyond it leaves Python's
calendar."""
_UNITS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_DAY, _LAST_DAY = -719_161, 2_932_895
"""The second day of the year 1 and the last but one of the year 9999, since 1970: beyond them are those of some zones."""
_LONGEST = 999_999_998
"""Days of a duration that Python can hold."""
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


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


def exact(text: pl.Expr) -> pl.Expr:
    """Texts in the exporter's own form as microseconds since 1970 (Int64); null where a text has another form."""
    return text.str.to_datetime(_EXPORT_FORM, time_unit="us", strict=False, cache=False).to_physical()


def read_in_scan(scan: pl.LazyFrame) -> pl.LazyFrame:
    """Read the time columns of a scan of text as far as they have the exporter's form, while they are at hand.

    An event that ends as it starts, as most do, has its time read once. Texts that are not read yet stand in further
    columns, which `finish` takes away.
    """
    text, end = (pl.col(name) for name in TIME_COLUMNS)
    read = text.str.to_datetime(_EXPORT_FORM, time_unit="us", time_zone="UTC", strict=False, cache=False)
    scan = scan.with_columns(read, text.alias(_REST + "start_time"))
    start, text = pl.col("start_time"), pl.col(_REST + "start_time")
    unread = start.is_null()
    columns: list[pl.Expr] = [pl.when(unread).then(text)]
    if "end_time" in scan.collect_schema():
        columns.append(pl.when(end == text).then(start).alias("end_time"))
        columns.append(pl.when(unread | (end != text)).then(end).alias(_REST + "end_time"))
    return scan.with_columns(columns)


def finish(frame: pl.DataFrame) -> pl.DataFrame | None:
    """Read the texts that `read_in_scan` left, as `to_utc` does; None where one is no time, and for an event without start."""
    text = frame.drop_in_place(_REST + "start_time")
    start = frame["start_time"]
    if text.null_count() < len(text):
        rows = text.is_not_null().arg_true()
        start = start.scatter(rows, to_utc(text.gather(rows)))
    start = believable(start)
    if start.null_count():
        return None
    frame.replace_column(frame.get_column_index("start_time"), start)
    if _REST + "end_time" in frame.columns:
        rest = frame.drop_in_place(_REST + "end_time")
        if rest.null_count() < len(rest):
            rows = rest.is_not_null().arg_true()
            end = _to_utc_beside(rest.gather(rows), text.gather(rows), start.gather(rows))
            if end.null_count():
                return None
            frame.replace_column(frame.get_column_index("end_time"), frame["end_time"].scatter(rows, end))
    return frame


def _to_utc_beside(text: pl.Series, other: pl.Series, read: pl.Series) -> pl.Series:
    """The same as `to_utc(text)`, faster when most texts equal those of `other`, already read as `read`."""
    different = text.ne_missing(other).arg_true()
    if 4 * different.len() > text.len():
        return to_utc(text)
    return read.clone().scatter(different, to_utc(text.gather(different)))


def in_calendar(cell: pl.Series) -> pl.Series:
    """A stored column without the times that Python's calendar does not have, and the durations; Polars panics over some."""
    dtype = cell.dtype
    if isinstance(dtype, pl.Datetime):
        low, high, unit = _FIRST_DAY, _LAST_DAY, 86_400 * _UNITS[dtype.time_unit]
    elif isinstance(dtype, pl.Duration):
        low, high, unit = -_LONGEST, _LONGEST, 86_400 * _UNITS[dtype.time_unit]
    elif dtype == pl.Date:
        low, high, unit = _FIRST_DAY, _LAST_DAY, 1
    else:
        return cell
    fits = cell.to_physical().is_between(max(low * unit, _LOWEST), min(high * unit, _HIGHEST))
    return cell if fits.all() else cell.to_frame().select(pl.when(fits).then(pl.first())).to_series()


def believable(times: pl.Series) -> pl.Series:
    """Null out UTC times outside 1970 to 9998, which are damage and not usage."""
    ticks = times.to_physical()
    low, high = ticks.min(), ticks.max()
    if low is None or (low >= 0 and high < LATEST):  # type: ignore[operator]
        return times
    return times.to_frame().select(pl.when((ticks >= 0) & (ticks < LATEST)).then(pl.first())).to_series()


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
