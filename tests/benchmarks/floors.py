"""The floors: what plain Polars does for the same work, written as tightly as we know how.

Each function is run by `tests.benchmarks.child` in a process of its own, or beside ours in one process; none of them
imports anything of fwbill but the types of its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from fwbill_tui.usage.names import COLUMNS, DIMENSION_COLUMNS, TIME_COLUMNS
from fwbill_tui.usage.schema import EventTypes

TIME_FORM = "%Y-%m-%d %H:%M:%S UTC"
LABELS = tuple(DIMENSION_COLUMNS.values())
_FEW_VALUES = 64
_SUMS = ("prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens", "accelerator_seconds")


def scan_csv(path: str | Path, *, labels: pl.DataType | None = None, columns: Iterable[str] = COLUMNS) -> pl.LazyFrame:
    """An export as a lazy frame with our types: UTC times, dictionary codes of the same width; `labels` overrides the latter."""
    types = EventTypes()
    schema = {name: pl.String() if name in TIME_COLUMNS else types.of(name) for name in COLUMNS}
    if labels is not None:
        schema |= dict.fromkeys(LABELS, labels)
    times = [name for name in TIME_COLUMNS if name in columns]
    read = [pl.col(name).str.to_datetime(TIME_FORM, time_unit="us", time_zone="UTC", cache=False) for name in times]
    return pl.scan_csv(path, schema=schema, null_values=[""]).select(columns).with_columns(read)


def load_csv(path: str) -> dict[str, float]:
    """Open a CSV: a streaming scan into typed columns."""
    return _size(scan_csv(path).collect(engine="streaming"))


def load_csv_as_text(path: str) -> dict[str, float]:
    """The same with plain strings for labels; for the memory they take."""
    return _size(scan_csv(path, labels=pl.String()).collect(engine="streaming"))


def load_parquet(path: str) -> dict[str, float]:
    """Open a Parquet file."""
    return _size(pl.read_parquet(path))


def load_parquet_typed(path: str) -> dict[str, float]:
    """Open a Parquet file into dictionary codes, which is what it takes to work with it."""
    types = EventTypes()
    codes = [pl.col(name).cast(types.of(name)) for name in LABELS]
    return _size(pl.scan_parquet(path).with_columns(codes).collect(engine="streaming"))


def summarise_csv(path: str) -> int:
    """Totals per model, straight from the file."""
    read = ["base_model_name", *_SUMS]
    groups = scan_csv(path, columns=read).group_by("base_model_name").agg(pl.len(), pl.col(_SUMS).sum())
    return groups.collect(engine="streaming").height


def totals(events: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    """Totals of the events under a condition."""
    return events.lazy().filter(condition).select(pl.len(), pl.col(_SUMS).sum()).collect()


def groups(events: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Totals per combination of columns."""
    return events.lazy().group_by(columns).agg(pl.len(), pl.col(_SUMS).sum()).collect()


def first_rows(events: pl.DataFrame, column: str, count: int) -> pl.DataFrame:
    """The first rows of a sorted table, without sorting the rest."""
    return events.lazy().sort(column, descending=True, nulls_last=True).head(count).collect()


def sink_csv(events: pl.DataFrame, path: Path) -> None:
    """Save everything as CSV."""
    events.lazy().sink_csv(path, datetime_format=TIME_FORM)


def sink_parquet(events: pl.DataFrame, path: Path) -> None:
    """Save everything as Parquet, labels as text."""
    events.lazy().with_columns(pl.col(LABELS).cast(pl.String)).sink_parquet(path, compression="zstd")


# -- arg-sorts: the fastest of these, per column, is the floor -----------------------------------------------------------
def plain_arg_sort(values: pl.Series) -> pl.Series:
    """What Polars has for it."""
    return values.arg_sort(descending=True, nulls_last=True)


def sort_with_row_numbers(values: pl.Series) -> pl.Series:
    """Sort a frame of the column and its row numbers, and keep the latter."""
    frame = values.to_frame("key").lazy().with_row_index("row")
    return frame.sort("key", descending=True, nulls_last=True).select("row").collect().to_series()


def nulls_aside_arg_sort(values: pl.Series) -> pl.Series:
    """Sort the rows that have a value, and put the others behind them."""
    there = values.is_not_null()
    rows = there.arg_true()
    return pl.concat([rows.gather(values.filter(there).arg_sort(descending=True)), (~there).arg_true()])


def packed_sort(values: pl.Series) -> pl.Series:
    """Sort one 64-bit integer of key and row number. Only for columns of integers or codes that leave room for rows."""
    numbers = values.rank("dense") if values.dtype.is_float() else values.to_physical()
    rows = pl.int_range(len(numbers), dtype=pl.UInt64, eager=True)
    bits = max(len(numbers) - 1, 1).bit_length()
    high = numbers.max()
    assert isinstance(high, int)
    codes = (high - numbers.cast(pl.Int64)).cast(pl.UInt64).fill_null(high + 1)
    largest = codes.max()
    assert isinstance(largest, int)
    if largest.bit_length() + bits > 64:
        raise OverflowError("key and row number do not fit 64 bits")
    return ((codes * (1 << bits) + rows).sort() & ((1 << bits) - 1)).cast(pl.UInt32)


def packed_sort_on_one_core(values: pl.Series) -> pl.Series:
    """The same in one pass that packs and a sort in one thread, which on few cores is faster than in several."""
    if values.dtype.is_float():
        raise OverflowError("fractions do not fit beside a row number")
    numbers = values.to_physical()
    low, high = numbers.min(), numbers.max()
    assert isinstance(low, int)
    assert isinstance(high, int)
    bits = max(len(numbers) - 1, 1).bit_length()
    if (high + 1 - low).bit_length() + bits > 63:
        raise OverflowError("key and row number do not fit 63 bits")
    place = (pl.lit(high) - pl.col("key").cast(pl.Int64)).fill_null(high + 1 - low)
    packed = place * (1 << bits) + pl.col("row").cast(pl.Int64)
    frame = numbers.to_frame("key").lazy().with_row_index("row").select(packed)
    placed = frame.collect(engine="streaming").to_series().sort(multithreaded=False)
    return placed.cast(pl.UInt32, wrap_numerical=True) & ((1 << bits) - 1)


def picked_by_value(values: pl.Series) -> pl.Series:
    """Pick the rows of each value, one value after the other. Only for columns of few values."""
    distinct = values.unique().drop_nulls().sort(descending=True)
    if len(distinct) > _FEW_VALUES:
        raise OverflowError("so many values are not picked one by one")
    rows = pl.int_range(len(values), dtype=pl.UInt32, eager=True)
    return pl.concat([*(rows.filter(values == value) for value in distinct), rows.filter(values.is_null())])


ARG_SORTS: tuple[Callable[[pl.Series], pl.Series], ...] = (
    plain_arg_sort, sort_with_row_numbers, nulls_aside_arg_sort, packed_sort, packed_sort_on_one_core,
    picked_by_value,
)  # fmt: skip


def by_label(values: pl.Series) -> pl.Series:
    """Dictionary codes as numbers that sort as their labels do; other columns as they are."""
    if not isinstance(values.dtype, pl.Categorical):
        return values
    distinct = values.unique().drop_nulls()
    ranks = pl.DataFrame({"code": distinct.to_physical(), "rank": distinct.cast(pl.String).rank("dense")})
    if ranks.is_empty():
        return values.to_physical()
    codes = ranks["code"].cast(pl.UInt32)
    table = pl.Series([0] * (max(codes) + 1), dtype=pl.UInt32).scatter(codes, ranks["rank"].cast(pl.UInt32))
    return table.gather(values.to_physical().cast(pl.UInt32))


def _size(frame: pl.DataFrame) -> dict[str, float]:
    return {"rows": frame.height, "frame_mib": frame.estimated_size() / 2**20}
