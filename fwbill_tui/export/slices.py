"""A frame's rows in a given order, a bounded number at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from fwbill_tui.export.errors import ExportCancelled

SLICE_ROWS = 200_000
"""Some 25 MB of events; larger slices are no faster."""

Progress = Callable[[int, int], None]
"""Called with the rows written so far and the rows in all, from the thread that writes."""


def slices(
    frame: pl.DataFrame,
    order: pl.Series | None,
    columns: Sequence[str],
    *,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Iterator[pl.DataFrame]:
    """`columns` of `frame`, in the order of the row indices `order` (None: as it stands), never more than `SLICE_ROWS` at once.

    Raises ExportCancelled between two slices once `cancelled` is set.
    """
    chosen = frame.select(columns)
    total = chosen.height if order is None else len(order)
    for start in range(0, total, SLICE_ROWS):
        if cancelled is not None and cancelled.is_set():
            raise ExportCancelled("stopped; nothing was written")
        yield chosen.slice(start, SLICE_ROWS) if order is None else chosen[order.slice(start, SLICE_ROWS)]
        if progress is not None:
            progress(min(start + SLICE_ROWS, total), total)
    if cancelled is not None and cancelled.is_set():
        raise ExportCancelled("stopped; nothing was written")
