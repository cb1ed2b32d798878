"""From a cell to a filter: only, or without, rows like it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from fwbill_tui.usage.groups import GROUP_MEASURES, drill_down
from fwbill_tui.usage.labels import EMPTY
from fwbill_tui.usage.names import TIME_GROUPS, dimension_of
from fwbill_tui.usage.query import MEASURE_CONDITIONS, Condition, Query, QueryError
from fwbill_tui.usage.zones import local_date


def by_cell(query: Query, column: str, value: object, *, without: bool) -> Query:
    """The query that keeps (or leaves out) rows like a cell.

    A label is chosen or excluded, a count becomes a condition, a start narrows the range to its local day, or to the hour or
    month that it is a group of. Raises QueryError for a sum of a group, which is no value of an event, and for other
    kinds of cells.
    """
    if query.group_by and column in GROUP_MEASURES:
        raise QueryError(f"{column} is the sum of a group here, not a value of its events: go to a cell of what it is grouped by")
    if isinstance(value, date):
        if column not in (*TIME_GROUPS, "start_time"):
            raise QueryError(f"events are told by their start: {column} cannot be filtered by, d chooses a range")
        if without:
            raise QueryError("a time cannot be left out of a range: f keeps it alone, d chooses another range")
        unit = column if column in TIME_GROUPS else "day"
        begin = local_date(value, query.time_zone) if isinstance(value, datetime) and unit == "day" else value
        narrowed = drill_down(replace(query, group_by=(unit,)), {unit: begin})
        return replace(narrowed, group_by=query.group_by)
    if column in MEASURE_CONDITIONS:
        if not isinstance(value, int | float):
            raise QueryError(f"a cell without {column} cannot be filtered by: it has no number")
        condition = Condition(column, "!=" if without else "=", value)
        return replace(query, where=tuple(dict.fromkeys((*query.where, condition))))
    if value is not None and not isinstance(value, str):
        raise QueryError(f"{column} cannot be filtered by here")
    dimension, label = dimension_of(column), value or EMPTY
    if without:
        return query.choose(dimension, set(query.chosen(dimension)) - {label}).exclude(
            dimension, {*query.excluded(dimension), label}
        )
    return query.exclude(dimension, []).choose(dimension, [label])
