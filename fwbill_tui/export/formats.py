"""One writer per format: frames of rows go in, slice by slice, and bytes come out in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import polars as pl
from polars import selectors

from fwbill_tui.export.endings import Format
from fwbill_tui.export.errors import ExportError
from fwbill_tui.export.utc_texts import with_utc_texts

_CSV_LOCAL_TIME = "%Y-%m-%d %H:%M:%S%.f%:z"
_RFC3339_UTC = "%Y-%m-%dT%H:%M:%S%.fZ"
_RFC3339_LOCAL = "%Y-%m-%dT%H:%M:%S%.f%:z"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SUM_DECIMALS = 6
"""Of sums of seconds in text: what is behind them tells only in which order fractions were added, which changes."""


def write_csv(frames: Iterator[pl.DataFrame], schema: pl.Schema, stream: BinaryIO, *, neutralise: bool = False) -> None:
    """CSV as Fireworks exports it: LF, a header, times as `2026-10-01 09:02:24 UTC`, empty for null, 612.5, 900.

    With `neutralise` a text cell (or column name) that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    columns = [_csv_column(name, dtype, neutralise) for name, dtype in schema.items()]
    cells = with_utc_texts(schema.to_frame().select(columns))
    header = pl.DataFrame(schema=[guarded(name) if neutralise else name for name in schema])
    header.write_csv(stream)
    stream.flush()  # Polars may write past the stream's own buffer
    rows = _streamed((with_utc_texts(frame.select(columns)) for frame in frames), cells.schema)
    rows.sink_csv(stream, include_header=False)


def write_ndjson(frames: Iterator[pl.DataFrame], schema: pl.Schema, stream: BinaryIO) -> None:
    """One JSON object a line: RFC 3339 times, numbers as numbers, null kept."""
    columns = [_json_column(name, dtype) for name, dtype in schema.items()]
    for frame in frames:
        frame.select(columns).write_ndjson(stream)


def write_parquet(frames: Iterator[pl.DataFrame], schema: pl.Schema, stream: BinaryIO) -> None:
    """Parquet with zstd: labels as strings, times as UTC timestamps in microseconds."""
    plain = pl.Schema({name: _plain(dtype) for name, dtype in schema.items()})
    _streamed((frame.cast(plain) for frame in frames), plain).sink_parquet(stream, compression="zstd")


def _plain(dtype: pl.DataType) -> pl.DataType:
    if dtype == pl.Int32:  # how counts are held depends on those of other events
        return pl.Int64()
    return pl.String() if _is_label(dtype) else dtype


def _streamed(frames: Iterator[pl.DataFrame], schema: pl.Schema) -> pl.LazyFrame:
    """The frames as a scan, from which a sink takes the next while it writes those before."""
    from polars.io.plugins import register_io_source

    def produce(*_: object) -> Iterator[pl.DataFrame]:
        return frames

    return register_io_source(produce, schema=schema)


def write_format(
    frames: Iterator[pl.DataFrame], schema: pl.Schema, stream: BinaryIO, kind: Format, *, neutralise: bool = False
) -> None:
    """Write `frames`, all of `schema`, to `stream`. Raises ExportError when `neutralise` is asked of another format."""
    if kind == "csv":
        return write_csv(frames, schema, stream, neutralise=neutralise)
    if neutralise:
        raise ExportError(f"spreadsheets run formulas from CSV alone: leave the option out for {kind}")
    writer: Callable[[Iterator[pl.DataFrame], pl.Schema, BinaryIO], None]
    writer = write_parquet if kind == "parquet" else write_ndjson
    return writer(frames, schema, stream)


def readable_groups(groups: pl.DataFrame) -> pl.DataFrame:
    """A ledger's groups for a text format: a month as `2026-10`, not as its first day, and fractions to `SUM_DECIMALS`."""
    groups = groups.with_columns(selectors.float().round(SUM_DECIMALS))
    if groups.schema.get("month") == pl.Date:
        return groups.with_columns(pl.col("month").dt.to_string("%Y-%m"))
    return groups


def csv_text(frame: pl.DataFrame) -> str:
    """A small frame as CSV text."""
    columns = [_csv_column(name, dtype, neutralise=False) for name, dtype in frame.schema.items()]
    return with_utc_texts(frame.select(columns)).write_csv()


def guarded(text: str) -> str:
    """The text with a leading apostrophe when a spreadsheet would run it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_column(name: str, dtype: pl.DataType, neutralise: bool) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone != "UTC":
        return column.dt.to_string(_CSV_LOCAL_TIME if dtype.time_zone else "%Y-%m-%d %H:%M:%S%.f")
    if dtype.is_float():
        return column.cast(pl.String).str.strip_suffix(".0")  # 900 as Fireworks writes it, not 900.0
    if neutralise and (dtype == pl.String or _is_label(dtype)):
        text = column.cast(pl.String)
        risky = pl.any_horizontal(text.str.starts_with(start) for start in _FORMULA_STARTS)
        return pl.when(risky).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(name)
    return column


def _json_column(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return pl.col(name).dt.to_string(_RFC3339_UTC if dtype.time_zone == "UTC" else _RFC3339_LOCAL)
    return pl.col(name)


def _is_label(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Categorical | pl.Enum)
