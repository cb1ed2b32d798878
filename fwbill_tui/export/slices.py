"""A frame's rows in a given order, a bounded number at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

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
    pieces = (
        chosen.slice(start, SLICE_ROWS) if order is None else chosen[order.slice(start, SLICE_ROWS)]
        for start in range(0, total, SLICE_ROWS)
    )
    yield from told(pieces, total, progress=progress, cancelled=cancelled)


def told(
    frames: Iterable[pl.DataFrame], total: int, *, progress: Progress | None = None, cancelled: threading.Event | None = None
) -> Iterator[pl.DataFrame]:
    """Frames of rows as they come, `total` rows in all, in slices of at most `SLICE_ROWS`.

    Raises ExportCancelled between two slices once `cancelled` is set.
    """
    done = 0
    for frame in frames:
        for piece in frame.iter_slices(SLICE_ROWS):
            _heed(cancelled)
            yield piece
            done += piece.height
            if progress is not None:
                progress(done, total)
    _heed(cancelled)


def _heed(cancelled: threading.Event | None) -> None:
    if cancelled is not None and cancelled.is_set():
        raise ExportCancelled("stopped; nothing was written")
