"""Reading rollups that were computed elsewhere, from Parquet or CSV.

A rollup is made by a program, so a row of it that cannot be read means that the file is not what it should be: the
file is refused whole, with the row named, where of events only the row would be set aside.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress

import polars as pl

from fwbill_tui.files import remote
from fwbill_tui.files.inputs import Input, OnUnreadable, UnreadableFile
from fwbill_tui.files.opening import opened
from fwbill_tui.files.reading import told_plainly
from fwbill_tui.usage.cells import CellFault, convert
from fwbill_tui.usage.header import refuse_columns, refuse_repeated
from fwbill_tui.usage.names import MEASURES, ExportFormatError
from fwbill_tui.usage.rollup import BUCKET, EVENTS
from fwbill_tui.usage.rollup_ledger import COLUMNS, DERIVED, REQUIRED
from fwbill_tui.usage.row_reader import split_line, split_rows
from fwbill_tui.usage.schema import Batch, EventTypes


def read_rollups(
    inputs: Sequence[Input],
    *,
    types: EventTypes,
    on_unreadable: OnUnreadable = None,
) -> Generator[Batch, None, None]:
    """Read rollups in their order, a batch each, as `RollupBuilder` takes them.

    A file that cannot be read, or is no rollup, raises UnreadableFile, which names it; with `on_unreadable` it is told
    and the others go on.
    """
    for source in inputs:
        try:
            with told_plainly(source):
                for name, cells in _tables(source):
                    yield Batch(rollup_rows(cells, name, types), (), source.size or 0)
        except UnreadableFile as error:
            if on_unreadable is None:
                raise
            on_unreadable(error)


def rollup_rows(cells: pl.DataFrame, name: str, types: EventTypes) -> pl.DataFrame:
    """The cells of a rollup file (as text or as Parquet stored them) as typed rows; `name` is the file's, for messages.

    Result: the thirteen columns of events with the bucket as `start_time`, further labels as text, and `events` (Int64).
    Raises ExportFormatError.
    """
    names = [column.strip(" \t\r\ufeff") for column in cells.columns]
    refuse_repeated(names, name)
    cells = cells.rename(dict(zip(cells.columns, names, strict=True)))
    if missing := [column for column in REQUIRED if column not in cells.columns]:
        if "start_time" in cells.columns and BUCKET in missing:
            raise ExportFormatError(f"{name}: not a rollup but usage events: leave --rollup out")
        raise ExportFormatError(
            f"{name}: not a rollup: no column {' and no column '.join(missing)}; a rollup has the columns {', '.join(COLUMNS)}"
        )
    refuse_columns(cells.columns, name)
    events, fault = _event_counts(cells.get_column(EVENTS))
    others = [column for column in cells.columns if column not in {EVENTS, "start_time", *DERIVED}]
    rows, faults = convert(cells.select(others).rename({BUCKET: "start_time"}), types)
    if faults:
        first = faults[0]
        fault = CellFault(first.row, BUCKET if first.column == "start_time" else first.column, first.reason)
    fault = fault or next(filter(None, (_empty_sum(cells.get_column(column)) for column in MEASURES)), None)
    if fault:
        where = f"{name}: row {fault.row + 1:,}: {fault.column}"
        raise ExportFormatError(f"{where}: {fault.reason}. Nothing was taken from this rollup")
    return rows.with_columns(events)


def _event_counts(stored: pl.Series) -> tuple[pl.Series, CellFault | None]:
    counts = stored.cast(pl.Int64, strict=False)
    right = counts >= 0 if stored.dtype == pl.String or stored.dtype.is_integer() else (counts >= 0) & (counts == stored)
    wrong = (~right.fill_null(value=False)).arg_true()
    if not len(wrong):
        return counts, None
    row = wrong.item(0)
    return counts, CellFault(row, EVENTS, f"{stored[row]!r} is not a number of events")


def _empty_sum(stored: pl.Series) -> CellFault | None:
    """The first empty cell of a measure. A row that was cut off in the middle has some."""
    empty = (stored.is_null() if stored.dtype != pl.String else stored.fill_null("").str.strip_chars() == "").arg_true()
    return CellFault(empty.item(0), stored.name, "is empty; a sum of nothing is written as 0") if len(empty) else None


def _tables(source: Input) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every table that an input stands for, by name: one for a file, one for each object that a URL's pattern matches."""
    if source.url is not None:
        yield from _remote_tables(source.url)
        return
    with opened(source) as file:
        if file.kind == "csv":
            yield source.name, _csv(file.stream.read(), source.name)
        else:
            yield source.name, pl.read_parquet(source.path or io.BytesIO(file.stream.read()), glob=False)


def _remote_tables(url: str) -> Iterator[tuple[str, pl.DataFrame]]:
    if remote.kind_of(url) == "csv":
        for name, stream in remote.csv_objects(url):
            yield name, _csv(stream.read(), name)
    else:
        for name in remote.parquet_objects(url):
            with remote.told_plainly(name):
                cells = pl.read_parquet(name, glob=False)
            yield name, cells


def _csv(data: bytes, name: str) -> pl.DataFrame:
    """The cells of a file as text. Raises ExportFormatError, with the line of the first row that cannot be read."""
    begin = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not begin:
        raise ExportFormatError(f"{name}: the file is empty, without even a header line")
    skipped = data[: len(data) - len(begin)].count(b"\n")
    first, _, rows = begin.partition(b"\n")
    try:
        text = first.decode().rstrip("\r")
    except UnicodeDecodeError as error:
        raise ExportFormatError(f"{name}: not a rollup: its first line is not UTF-8 text") from error
    names = [column.strip(" \t") or f"column_{place}" for place, column in enumerate(split_line(text) or [text], start=1)]
    refuse_columns(names, name)
    refuse_repeated(names, name)
    schema = pl.Schema(dict.fromkeys(names, pl.String()))
    if b'"' not in rows:  # then lines are rows, and none is too short if Polars finds none too long and no comma is missing
        with suppress(pl.exceptions.PolarsError):
            cells = pl.read_csv(rows, has_header=False, schema=schema)
            if rows.count(b",") == cells.height * (len(names) - 1):
                return cells
    found = split_rows(rows, len(names), final=True)
    if found.faults:
        fault = found.faults[0]
        raise ExportFormatError(f"{name}: line {fault.line + skipped + 2:,}: {fault.reason}. Nothing was taken from this rollup")
    return pl.DataFrame([row.fields for row in found.rows], schema=schema, orient="row")
