"""Reading a usage export from Parquet, whatever types its columns were stored in."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import polars as pl

from fwbill_tui.files.stored import Stored, StoredBatch, as_stored
from fwbill_tui.usage.cells import CellFault, TooManyLabels, convert, values
from fwbill_tui.usage.header import Header
from fwbill_tui.usage.names import COLUMN_DIMENSIONS
from fwbill_tui.usage.parquet_codes import coded
from fwbill_tui.usage.row_reader import printable
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

_BATCH_ROWS = 1 << 18
"""The most that a batch has."""
_FEW_ROWS = 1 << 16
"""Fewer are put together with those that follow."""
_THREADS = 2
_MOST_COPIED = 256 << 20
"""Bytes of a file that is copied into memory so that its labels need not become texts first."""

_Converted = tuple[pl.DataFrame, pl.DataFrame, list[CellFault]]
"""Cells, the events they are, and what is wrong with the others."""


def read_parquet(file: Path | BytesIO | str, *, source: str, types: EventTypes, size: int) -> Generator[Batch, None, None]:
    """Read a Parquet file (or the object of a URL) of `size` bytes: batches in its order, at least one.

    Rejects carry the row number, from 1. A batch that the file has just so is a `StoredBatch`.

    Raises ExportFormatError when it is not a usage export, TooManyLabels when `types` cannot number the labels of a
    column, and PolarsError when the file is damaged.
    """
    scan, header = _scan(file, source)
    rows = scan.select(pl.len()).collect().item()
    kept = dict(zip(header.names, scan.collect_schema().dtypes(), strict=True))
    done = told = 0
    for cells, events, faults in _converted(_cells(file, scan, header, types, size, rows), types):
        faulty = zip(*map(values, cells[[fault.row for fault in faults]]), strict=True) if faults else ()
        rejects = tuple(
            Reject(source, done + fault.row + 1, fault.column, fault.reason, _row_text(row))
            for fault, row in zip(faults, faulty, strict=True)
        )
        first, done = done, done + cells.height
        position = size * done // rows
        if not isinstance(file, BytesIO) and as_stored(cells, events, kept):
            stored = Stored(file, first, cells.height, rows, tuple(kept), tuple(kept.values()))
            yield StoredBatch(events, rejects, position - told, stored=stored)
        else:
            yield Batch(events, rejects, position - told)
        told = position
    if done != rows:  # Polars (2.1) ends a scan without a word where a thread of it fails
        raise pl.exceptions.ComputeError(f"{done:,} of its {rows:,} rows can be read")
    if not rows:
        yield Batch(types.frame_schema(header.further).to_frame(), (), size)


def read_parquet_header(file: Path | BytesIO, source: str) -> Header:
    """Read just the columns of a Parquet file. Raises ExportFormatError and PolarsError."""
    return _scan(file, source)[1]


def _scan(file: Path | BytesIO | str, source: str) -> tuple[pl.LazyFrame, Header]:
    scan = pl.scan_parquet(file, glob=False)
    stored = scan.collect_schema().names()
    header = Header.of(stored, source)
    return scan.rename(dict(zip(stored, header.names, strict=True))), header


def _converted(parts: Iterator[pl.DataFrame], types: EventTypes) -> Iterator[_Converted]:
    """Parts in their order, turned into events in threads, a few ahead of whoever takes them."""

    def converted(cells: pl.DataFrame) -> _Converted:
        return cells, *convert(cells, types)

    waiting: deque[Future[_Converted]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="read-parquet") as pool:
        for part in parts:
            waiting.append(pool.submit(converted, part))
            while waiting and (len(waiting) > _THREADS or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _cells(
    file: Path | BytesIO | str, scan: pl.LazyFrame, header: Header, types: EventTypes, size: int, rows: int
) -> Iterator[pl.DataFrame]:
    """The rows of a file, its label columns as codes where it has texts. Raises TooManyLabels, and PolarsError."""
    done = 0
    copy = _copied(file, header, types) if size <= _MOST_COPIED and not isinstance(file, str) else None
    if copy is not None:
        with suppress(pl.exceptions.ComputeError):  # pages that Polars decodes as text only, or damage, met again below
            for cells in _parts(_scan(copy, "")[0]):
                yield cells
                done += cells.height
        if done == rows:
            return
    # Texts become codes inside the scan, where all cores share the work.
    as_codes = [
        pl.col(name).cast(types.of(name))
        for name, stored in scan.collect_schema().items()
        if name in COLUMN_DIMENSIONS and isinstance(stored, (pl.String, pl.Categorical, pl.Enum))
    ]
    try:
        for cells in _parts(scan.with_columns(as_codes).slice(done)):
            yield cells
    except pl.exceptions.ComputeError as error:
        if "more categories than" in str(error):
            raise TooManyLabels("a label column") from error
        raise


def _copied(file: Path | BytesIO, header: Header, types: EventTypes) -> BytesIO | None:
    if isinstance(file, BytesIO):
        return coded(file, header.names, types)
    with file.open("rb", buffering=0) as stream:
        return coded(stream, header.names, types)


def _parts(scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows of a scan as Polars comes upon them, which spares a copy, but never very few at once, nor too many."""
    waiting: list[pl.DataFrame] = []
    for found in scan.collect_batches(maintain_order=True):
        waiting.append(found)
        if sum(frame.height for frame in waiting) >= min(_FEW_ROWS, _BATCH_ROWS):
            yield from pl.concat(waiting).iter_slices(_BATCH_ROWS)
            waiting.clear()
    if waiting:
        yield from pl.concat(waiting).iter_slices(_BATCH_ROWS)


def _row_text(row: tuple[object, ...]) -> str:
    return printable(",".join("" if value is None else str(value) for value in row))
