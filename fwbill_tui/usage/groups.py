"""Usage grouped by one or two of the dimensions, or by hour, day, month."""

from __future__ import annotations

import polars as pl

from fwbill_tui.usage import rollup
from fwbill_tui.usage.query import Query, QueryError, SortKey
from fwbill_tui.usage.schema import TIME_GROUPS, TOKEN_MEASURES, column_of, dimension_of

GROUP_MEASURES = (rollup.EVENTS, *TOKEN_MEASURES, "total_tokens", "accelerator_seconds")
"""The measures of a group, in the order in which they are shown."""


def build(facts: pl.DataFrame, query: Query) -> pl.DataFrame:
    """Groups of a filtered rollup, sorted by the query's keys as far as they apply, else by events, then by key."""
    keys = [
        rollup.time_group(name, query.time_zone) if name in TIME_GROUPS else pl.col(column_of(name)).cast(pl.String).alias(name)
        for name in query.group_by
    ]
    groups = facts.group_by(keys).agg(pl.col(name).sum() for name in rollup.SUMS)
    groups = groups.with_columns((pl.col("prompt_tokens") + pl.col("completion_tokens")).alias("total_tokens"))
    groups = groups.select(*query.group_by, *GROUP_MEASURES)
    order = [*sort_keys(query), *(SortKey(name) for name in query.group_by)]
    return groups.sort([key.column for key in order], descending=[key.descending for key in order], nulls_last=True)


def sort_keys(query: Query) -> tuple[SortKey, ...]:
    """The query's sort keys that a grouped view has, by the names it has them under; by events when there are none."""
    known = (*query.group_by, *GROUP_MEASURES)
    keys = [SortKey(dimension_of(key.column), key.descending) for key in query.sort]
    return tuple(key for key in keys if key.column in known) or (SortKey(rollup.EVENTS, descending=True),)


def drill_down(query: Query, row: dict[str, object]) -> Query:
    """The query behind one group: its values chosen, its time range, no grouping.

    `row` holds the group's keys as `groups()` gives them.
    """
    from fwbill_tui.usage.ranges import local_range  # noqa: PLC0415 - drawn in only when a group is opened

    for name in query.group_by:
        value = row[name]
        if name in TIME_GROUPS:
            query = local_range(query, name, value)
        else:
            query = query.choose(name, [value if isinstance(value, str) else ""])
    if not query.group_by:
        raise QueryError("the query has no grouping")
    return query
