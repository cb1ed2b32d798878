"""Save the events or the groups of a query: as a file, whole or not at all, or to a stream."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import polars as pl

from fwbill_tui.export.atomic import new_file
from fwbill_tui.export.endings import Format
from fwbill_tui.export.errors import ExportError
from fwbill_tui.export.formats import readable_groups, write_format
from fwbill_tui.export.slices import Progress, slices, told
from fwbill_tui.usage.lazy_ledger import LazyLedger
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import Query, QueryError
from fwbill_tui.usage.rollup_ledger import names_in_files
from fwbill_tui.user_paths import expanded


def write_events(
    ledger: Ledger,
    query: Query,
    path: Path | BinaryIO,
    *,
    format: Format = "csv",  # noqa: A002
    columns: Sequence[str] | None = None,
    overwrite: bool = False,
    neutralise_formulas: bool = False,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Path | BinaryIO:
    """Write the events that `query` shows, in its order; returns where they are.

    `columns` in the order given; None: all, in Fireworks' order, further columns last. `path` may be an open binary
    stream, which is written to as it is. Nothing but slices of rows is held in memory beside the ledger.

    Raises:
        TargetExistsError: the file is there and `overwrite` is False.
        ExportCancelled: `cancelled` was set; nothing was written.
        ExportError: any other reason, in one line; nothing was written.
    """
    shown = ledger.events.columns if columns is None else list(columns)
    unknown = [column for column in shown if column not in ledger.events.columns]
    if unknown or not shown:
        named = ", ".join(map(repr, unknown)) or "no column"
        raise ExportError(f"cannot write {named}: the columns are {', '.join(ledger.events.columns)}")
    if isinstance(ledger, LazyLedger):
        rows = told(_readable(ledger.frames(query, shown)), ledger.totals(query).events, progress=progress, cancelled=cancelled)
    else:
        rows = slices(ledger.events, _order(ledger, query), shown, progress=progress, cancelled=cancelled)
    names = names_in_files(ledger)
    schema = pl.Schema({names.get(column, column): ledger.events.schema[column] for column in shown})
    if names:
        rows = (frame.rename(names, strict=False) for frame in rows)
    return _write(rows, schema, path, format, overwrite, neutralise_formulas)


def write_groups(
    ledger: Ledger,
    query: Query,
    path: Path | BinaryIO,
    *,
    format: Format = "csv",  # noqa: A002
    overwrite: bool = False,
    neutralise_formulas: bool = False,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Path | BinaryIO:
    """Write the groups of `query` (its `group_by` and `sort`) with all measures; otherwise as `write_events`."""
    groups = ledger.groups(query)
    if format != "parquet":
        groups = readable_groups(groups)
    rows = slices(groups, None, groups.columns, progress=progress, cancelled=cancelled)
    return _write(rows, groups.schema, path, format, overwrite, neutralise_formulas)


def write_rollup(
    ledger: Ledger,
    query: Query,
    path: Path | BinaryIO,
    *,
    format: Format = "parquet",  # noqa: A002
    overwrite: bool = False,
    neutralise_formulas: bool = False,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Path | BinaryIO:
    """Write what `query` shows as a rollup, that `fwbill --rollup` opens; its sort and columns do not matter.

    See `Ledger.rollup`; otherwise as `write_events`.
    """
    summed = ledger.rollup(query)
    rows = slices(summed, None, summed.columns, progress=progress, cancelled=cancelled)
    return _write(rows, summed.schema, path, format, overwrite, neutralise_formulas)


def _readable(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The frames; that they cannot be read any more is told as the reason why nothing was written."""
    try:
        yield from frames
    except QueryError as error:
        raise ExportError(str(error)) from error


def _order(ledger: Ledger, query: Query) -> pl.Series | None:
    """Row indices, or None where the events stand as they are shown: slicing is faster than gathering."""
    order = ledger.order(query)
    natural = len(order) == ledger.events.height and not query.sort
    return None if natural else order


def _write(
    rows: Iterator[pl.DataFrame],
    schema: pl.Schema,
    path: Path | BinaryIO,
    kind: Format,
    overwrite: bool,
    neutralise: bool,
) -> Path | BinaryIO:
    if not isinstance(path, Path):
        write_format(rows, schema, path, kind, neutralise=neutralise)
        return path
    with new_file(path, overwrite=overwrite) as stream:
        write_format(rows, schema, stream, kind, neutralise=neutralise)
    return expanded(path)
