"""From cells to typed events: the one place that says what a count, a number, a time or a label may look like."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from fwbill_tui.usage import times
from fwbill_tui.usage.names import COLUMNS, COUNT_COLUMNS, REQUIRED_COLUMNS, TIME_COLUMNS
from fwbill_tui.usage.schema import EventTypes

SPLIT_COLUMNS = ("cached_prompt_tokens", "uncached_prompt_tokens")
_CHECKED = frozenset((*TIME_COLUMNS, *COUNT_COLUMNS, "accelerator_seconds", *REQUIRED_COLUMNS))
_EXACT_IN_FLOAT = 2**53
_DECIMAL = r"^[+-]?[0-9]*\.[0-9]*$"
_WHOLE_DECIMAL = r"^\+?(-?[0-9]+)\.0*$"
_MOST_SHOWN = 60


class TooManyLabels(Exception):  # noqa: N818 - a condition the loader answers, not a failure
    """A column has more different labels than 16-bit codes can number: load again with `EventTypes(wide=True)`."""

    def __init__(self, column: str) -> None:
        super().__init__(f"more than 65,000 different labels in {column}")
        self.column = column


class CellFault(NamedTuple):
    """A cell that cannot be read, and with it its row; `row` counts from 0."""

    row: int
    column: str
    reason: str


def convert(cells: pl.DataFrame, types: EventTypes) -> tuple[pl.DataFrame, list[CellFault]]:
    """Type the cells of a file: its columns in its order, as text or, from Parquet, as they were stored.

    Returns the readable rows, complete as `complete` makes them, and the first fault of every other row. Rows that
    repeat the header, as in exports written one after another into one file, are neither. Raises TooManyLabels.
    """
    columns: list[pl.Series] = []
    faults: dict[int, CellFault] = {}
    for cell in cells:
        column = cell.name
        value = _typed(cell, column, types)
        columns.append(value)
        if column not in _CHECKED or value.null_count() == (0 if column in REQUIRED_COLUMNS else cell.null_count()):
            continue  # reading makes nothing of what was null
        wrong = value.is_null() if column in REQUIRED_COLUMNS else value.is_null() & ~_empty(cell)
        for row in wrong.arg_true().to_list():
            if row not in faults:
                faults[row] = CellFault(row, column, _reason(column, *values(cell.slice(row, 1))))
    events = pl.DataFrame(columns)
    if faults:
        headers = _repeated_headers(cells) if all(dtype == pl.String for dtype in cells.dtypes) else set()
        dropped = pl.Series(list(faults), dtype=pl.UInt32)
        keep = pl.int_range(events.height, dtype=pl.UInt32, eager=True).is_in(dropped.implode()).not_()
        events = events.filter(keep)
        faults = {row: fault for row, fault in faults.items() if row not in headers}
    return complete(events, types), [faults[row] for row in sorted(faults)]


def complete(events: pl.DataFrame, types: EventTypes) -> pl.DataFrame:
    """Give typed events all thirteen columns, in order and before any further ones, in one chunk.

    Where the split of the prompt is missing it is filled in as Fireworks' exporter does: nothing cached. Where one part
    is given, the other is the rest of the prompt.
    """
    if events.columns[: len(COLUMNS)] != list(COLUMNS):
        present = set(events.columns)
        columns: list[pl.Expr] = [
            pl.col(name) if name in present else pl.lit(None, dtype=types.of(name)).alias(name) for name in COLUMNS
        ]
        events = events.select(*columns, *(name for name in events.columns if name not in COLUMNS))
    prompt, cached, uncached = (pl.col(name) for name in ("prompt_tokens", *SPLIT_COLUMNS))
    if events.select((prompt.is_not_null() & (cached.is_null() | uncached.is_null())).any()).item():
        events = events.with_columns(prompt_split())
    return events.rechunk()


def prompt_split() -> list[pl.Expr]:
    """The columns that say how much of the prompt was cached, filled in as `complete` says."""
    prompt, cached, uncached = (pl.col(name) for name in ("prompt_tokens", *SPLIT_COLUMNS))
    nothing = pl.when(prompt.is_not_null() & uncached.is_null()).then(pl.lit(0, dtype=pl.Int64))
    # Less a correction, which is negative, what is left may be beyond 64 bits: then it is not known.
    rest = pl.when(cached.is_null()).then(prompt).when((prompt >= cached) & (prompt - cached >= 0)).then(prompt - cached)
    return [
        pl.coalesce(cached, nothing.when((prompt >= uncached) & (prompt - uncached >= 0)).then(prompt - uncached)),
        pl.coalesce(uncached, rest).alias("uncached_prompt_tokens"),
    ]


def values(cell: pl.Series) -> list[object]:
    """Cells as Python has them; the number that is stored for a time beyond its calendar."""
    known = times.in_calendar(cell)
    if known is cell:
        return cell.to_list()
    stored = zip(known.to_list(), cell.to_physical().to_list(), strict=True)
    return [number if value is None else value for value, number in stored]


def _typed(cell: pl.Series, column: str, types: EventTypes) -> pl.Series:
    """A column in its type; null where the cell is empty or cannot be read."""
    if column in TIME_COLUMNS:
        return _times(cell)
    if column in COUNT_COLUMNS:
        return _counts(cell)
    if column == "accelerator_seconds":
        return _numbers(cell)
    wanted = types.of(column)
    if cell.dtype == wanted != pl.String:
        named = cell.to_frame().select(pl.first() != "").to_series()
        return cell if named.all() else cell.to_frame().select(pl.when(named).then(pl.first())).to_series()
    text = _text(cell)
    text = text.set(text == "", None) if (text == "").any() else text
    try:
        return text.cast(wanted)
    except pl.exceptions.ComputeError as error:  # text to a dictionary fails for one reason only
        raise TooManyLabels(column) from error


def _times(cell: pl.Series) -> pl.Series:
    cell = times.in_calendar(cell)
    if isinstance(cell.dtype, pl.Datetime):
        zoned = cell.dt.convert_time_zone("UTC") if cell.dtype.time_zone else cell.dt.replace_time_zone("UTC")
        return times.believable(zoned.dt.cast_time_unit("us"))
    if cell.dtype == pl.Date:
        return times.believable(cell.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    return times.to_utc(_text(cell))


def _counts(cell: pl.Series) -> pl.Series:
    """Whole numbers of 64 bits, also written as `12.0` or `1.2e3`, which other programs make of them."""
    if cell.dtype.is_integer():
        return cell.cast(pl.Int64, strict=False)
    if cell.dtype.is_float():
        return _whole(cell.cast(pl.Float64))
    text = _text(cell).str.strip_chars()
    counts = text.cast(pl.Int64, strict=False)
    if counts.null_count() == text.null_count():
        return counts
    digits = text.str.extract(_WHOLE_DECIMAL).cast(pl.Int64, strict=False)
    others = text.set(text.str.contains(_DECIMAL).fill_null(False), None)
    return counts.fill_null(digits).fill_null(_whole(others.cast(pl.Float64, strict=False)))


def _whole(numbers: pl.Series) -> pl.Series:
    # From 2**53 on a fraction has been rounded away, or a unit.
    exact = (numbers == numbers.floor()) & (numbers.abs() < _EXACT_IN_FLOAT)
    return numbers.set(~exact.fill_null(False), None).cast(pl.Int64, strict=False)


def _numbers(cell: pl.Series) -> pl.Series:
    """Finite numbers; NaN and infinity would spoil every sum they are part of."""
    known = cell.dtype.is_numeric()
    numbers = cell.cast(pl.Float64) if known else _text(cell).str.strip_chars().cast(pl.Float64, strict=False)
    finite = numbers.is_finite()
    return numbers if finite.all() else numbers.set(~finite.fill_null(False), None)


def _text(cell: pl.Series) -> pl.Series:
    """Any stored column as text.

    Bytes are read as UTF-8, a duration as ISO 8601, what has no text of its own as JSON, a time beyond the calendar as the
    number that is stored for it.
    """
    if cell.dtype == pl.String:
        return cell
    if isinstance(cell.dtype, pl.BaseExtension):
        return _text(cell.ext.storage())
    known = times.in_calendar(cell)
    if known is not cell:
        return _text(known).fill_null(cell.to_physical().cast(pl.String))
    if isinstance(cell.dtype, pl.Duration):
        return cell.dt.to_string("iso")
    if cell.dtype.is_nested():
        json = cell.to_frame("value").select(pl.when(pl.first().is_not_null()).then(pl.struct("value").struct.json_encode()))
        return json.to_series().str.strip_prefix('{"value":').str.strip_suffix("}").alias(cell.name)
    return cell.cast(pl.String, strict=False)


def _empty(cell: pl.Series) -> pl.Series:
    return cell.is_null() if cell.dtype != pl.String else (cell.str.strip_chars() == "").fill_null(True)


def _repeated_headers(cells: pl.DataFrame) -> set[int]:
    unnamed = {name: pl.col(name).is_null() for place, name in enumerate(cells.columns, start=1) if name == f"column_{place}"}
    same = (
        (pl.col(name).str.strip_chars(" \t\r\ufeff") == name).fill_null(False) | unnamed.get(name, pl.lit(value=False))
        for name in cells.columns
    )
    return set(cells.select(pl.all_horizontal(*same).fill_null(False).arg_true()).to_series().to_list())


def _reason(column: str, cell: object) -> str:
    text = "" if cell is None else str(cell)
    if not text.strip():
        return "is empty"
    shown = repr(text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…")
    if column in TIME_COLUMNS:
        return f"{shown} is not a time from 1970 on, such as {times.EXAMPLE}"
    if column in COUNT_COLUMNS:
        return f"{shown} is not a whole number of 64 bits"
    return f"{shown} is not a finite number"
