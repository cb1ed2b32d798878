"""Usage grouped by one or two of the dimensions, or by hour, day, month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import polars as pl

from fwbill_tui.usage import rollup, zones
from fwbill_tui.usage.hours import next_hour
from fwbill_tui.usage.labels import EMPTY
from fwbill_tui.usage.names import TIME_GROUPS, TOKEN_MEASURES, column_of, dimension_of
from fwbill_tui.usage.query import Query, SortKey, TimeRange

GROUP_MEASURES = (rollup.EVENTS, *TOKEN_MEASURES, "total_tokens", "accelerator_seconds")
"""The measures of a group, in the order in which they are shown."""


def build(facts: pl.DataFrame, query: Query) -> pl.DataFrame:
    """Groups of a filtered rollup, sorted by the query's keys as far as they apply, else by `usual_sort`, then by key.

    `facts` has the query's time groupings under their names, the columns of its dimensions, and the sums of a rollup.
    """
    keys = [pl.col(name if name in TIME_GROUPS else column_of(name)).alias(name) for name in query.group_by]
    groups = rollup.regroup(facts, keys).with_columns(rollup.total_tokens().alias("total_tokens"))
    texts = [pl.col(name).cast(pl.String) for name in query.group_by if name not in TIME_GROUPS]
    groups = rollup.narrowed(groups.with_columns(texts).select(*query.group_by, *GROUP_MEASURES))
    order = [*sort_keys(query), *(SortKey(name) for name in query.group_by)]
    return groups.sort([key.column for key in order], descending=[key.descending for key in order], nulls_last=True)


def usual_sort(group_by: Sequence[str]) -> tuple[SortKey, ...]:
    """How groups are sorted where nobody says: hours, days and months as they come, all others by their events."""
    in_time = tuple(SortKey(name) for name in takewhile(TIME_GROUPS.__contains__, group_by))
    return in_time if group_by and len(in_time) == len(group_by) else (*in_time, SortKey(rollup.EVENTS, descending=True))


def sort_keys(query: Query) -> tuple[SortKey, ...]:
    """The query's sort keys that a grouped view has, by the names it has them under; its usual ones when there are none."""
    known = (*query.group_by, *GROUP_MEASURES)
    keys = [SortKey(dimension_of(key.column), key.descending) for key in query.sort]
    return tuple(key for key in keys if key.column in known) or usual_sort(query.group_by)


def drill_down(query: Query, row: Mapping[str, object]) -> Query:
    """The query behind one group: its values chosen, its time range, no grouping.

    `row` holds the group's keys as `groups()` gives them.
    """
    for name in query.group_by:
        value = row[name]
        if isinstance(value, date):
            query = replace(query, range=narrowed(query.range, _stretch(name, value, query.time_zone)))
        else:
            query = query.choose(name, [value if isinstance(value, str) else EMPTY])
    return replace(query, group_by=())


def position_of(groups: pl.DataFrame, key: Mapping[str, object]) -> int | None:
    """Where the group with a key is among `groups`; None when it is not there."""
    here = pl.all_horizontal(
        pl.col(name).eq_missing(pl.Series([value], dtype=groups.schema[name])) for name, value in key.items()
    )  # fmt: skip
    return groups.select(here.arg_true()).to_series().first()  # type: ignore[return-value]


def _stretch(name: str, start: date, time_zone: str) -> TimeRange:
    """The instants of a local day or month, or of an hour given as its first instant."""
    if isinstance(start, datetime):
        return TimeRange(start.astimezone(UTC), next_hour(start, time_zone).astimezone(UTC))
    after = zones.months_later(start, 1) if name == "month" else start + timedelta(days=1)
    return TimeRange(zones.start_of_day(start, time_zone), zones.start_of_day(after, time_zone))


def narrowed(outer: TimeRange, inner: TimeRange) -> TimeRange:
    """What two ranges have in common. Raises QueryError when that is nothing."""
    starts = [edge for edge in (outer.start, inner.start) if edge is not None]
    ends = [edge for edge in (outer.end, inner.end) if edge is not None]
    return TimeRange(max(starts, default=None), min(ends, default=None))
