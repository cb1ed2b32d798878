"""Loading for sums alone: the events are not held where the query can be answered without them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl

from fwbill_tui.sources.files import FileSource
from fwbill_tui.sources.loading import Loaded, load
from fwbill_tui.sources.source import Progress, Source
from fwbill_tui.usage import rollup
from fwbill_tui.usage.lazy_ledger import EventsNotKeptError
from fwbill_tui.usage.names import DIMENSION_COLUMNS, REQUIRED_COLUMNS, TIME_GROUPS, column_of
from fwbill_tui.usage.query import Query, QueryError


def load_sums(
    source: Source,
    query: Query,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: threading.Event | None = None,
) -> Loaded:
    """Load what the totals and groups of a query need. Raises what `load` raises.

    Files are read twice when only reading them shows that the query needs single events, as a search in a text column
    does; what cannot be read twice is held then if need be.
    """
    again = isinstance(source, FileSource) and source.repeatable
    if _needs_events(query) or (_may_need_events(query) and not again):
        return load(source, [query.range], progress=progress, cancelled=cancelled)
    loaded = load(source, [query.range], progress=progress, cancelled=cancelled, rows=False, unread=_unread(query))
    try:
        loaded.ledger.totals(query)
        loaded.ledger.whole(query)
        if query.group_by:
            loaded.ledger.groups(query)
    except EventsNotKeptError:
        return load(source, [query.range], progress=progress, cancelled=cancelled)
    except QueryError:
        pass  # said by whoever asks
    return loaded


def _needs_events(query: Query) -> bool:
    return bool(query.where) or not rollup.aligned(query.range, rollup.HOUR) or not _whole_hours(query.time_zone)


def _may_need_events(query: Query) -> bool:
    """Whether a query speaks of columns that a rollup need not have."""
    return bool(query.search.strip()) or not _named(query) <= {*DIMENSION_COLUMNS, *TIME_GROUPS}


def _unread(query: Query) -> frozenset[str]:
    """Label columns that a query does not speak of."""
    if query.search.strip():
        return frozenset()
    return frozenset(DIMENSION_COLUMNS.values()) - {*map(column_of, _named(query)), *REQUIRED_COLUMNS}


def _named(query: Query) -> set[str]:
    """What a query chooses by or groups by."""
    return {*(dimension for dimension, _ in (*query.only, *query.without)), *query.group_by}


def _whole_hours(time_zone: str) -> bool:
    """Whether a zone's hours begin with those of UTC, as far as can be said before the times of the events are known."""
    days = pl.datetime_range(datetime(2015, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC), "1d", time_unit="us", eager=True)
    try:
        return rollup.longest_bucket(days, time_zone) == rollup.HOUR
    except pl.exceptions.ComputeError:
        return True  # no zone at all; said by whoever asks
