"""Ledger: the usage events of one load, in memory, and the one place where a Query is answered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeVar

import polars as pl

from fwbill_tui.usage import groups as grouping
from fwbill_tui.usage import order, rollup
from fwbill_tui.usage import series as time_series
from fwbill_tui.usage.answers import Facet, FacetValue, Series, Totals
from fwbill_tui.usage.labels import EMPTY, Labels
from fwbill_tui.usage.predicate import Predicate, all_of, build, in_range
from fwbill_tui.usage.query import Query, QueryError, SortKey, TimeRange
from fwbill_tui.usage.schema import COLUMNS, DIMENSION_COLUMNS, REQUIRED_COLUMNS, TIME_GROUPS, Reject, column_of, dimension_of

_T = TypeVar("_T")
_KEPT_ORDERS = 3
"""Whole orders kept for re-use: four bytes per event each."""
_KEPT_ROLLUPS = 24
_FIRST_BLOCK = 1 << 15
_LAST_BLOCK = 1 << 20


class Ledger:
    """Usage events, their rollup, and answers to queries.

    `events` has the thirteen columns and then `further` ones. Nothing here changes after it was made; answers are
    cached, and may be asked for from several threads.
    """

    def __init__(
        self,
        events: pl.DataFrame,
        hourly: pl.DataFrame,
        *,
        rolled: Sequence[str],
        rejects: Sequence[Reject] = (),
        rejected: int | None = None,
    ) -> None:
        """`hourly` is the rollup of `events` over the label columns `rolled`, in hours."""
        self.events = events
        self.rolled = tuple(rolled)
        self.rejects = tuple(rejects)
        self.rejected = len(self.rejects) if rejected is None else rejected
        self.further = tuple(column for column in events.columns if column not in COLUMNS)
        self._hourly = hourly
        self._labels = {
            column: Labels(column, (hourly if column in self.rolled else events).get_column(column))
            for column, dtype in events.schema.items()
            if isinstance(dtype, pl.Categorical)
        }
        self._free_text = tuple(column for column in self.further if column not in self._labels)
        self._rollups = _Recent(_KEPT_ROLLUPS)
        self._orders = _Recent(_KEPT_ORDERS)

    # -- what is here --------------------------------------------------------------------------------------------------
    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that have facets and can be grouped by, Fireworks' own first."""
        return tuple(dict.fromkeys([*DIMENSION_COLUMNS, *(dimension_of(column) for column in self._labels)]))

    @cached_property
    def span_of_events(self) -> TimeRange:
        """From the first event to just after the last one; open when there are no events."""
        if self.events.is_empty():
            return TimeRange()
        times = self.events.get_column("start_time")
        first, last = times.min(), times.max()
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        return TimeRange(first.astimezone(UTC), last.astimezone(UTC) + timedelta(microseconds=1))

    def span(self) -> TimeRange:
        """See `span_of_events`."""
        return self.span_of_events

    @cached_property
    def empty_columns(self) -> frozenset[str]:
        """Columns in which no event has a value."""
        optional = (column for column in self.events.columns if column not in REQUIRED_COLUMNS)
        return frozenset(column for column in optional if self.events.get_column(column).null_count() == self.events.height)

    def visible_columns(self, query: Query) -> tuple[str, ...]:
        """The columns to show, in order: those asked for, or all that are not empty throughout; start_time first."""
        if query.columns is not None:
            return tuple(column for column in query.columns if column in self.events.columns)
        shown = [column for column in _READING_ORDER if column not in self.empty_columns]
        return (*shown, *(column for column in self.further if column not in self.empty_columns))

    def unmatched(self, query: Query) -> tuple[tuple[str, str], ...]:
        """Chosen or excluded values that name no label here, with their dimension."""
        missing = []
        for dimension, values in (*query.only, *query.without):
            labels = self._labels.get(column_of(dimension))
            missing += [(dimension, value) for value in values if labels is not None and not labels.named(value)]
        return tuple(missing)

    def check(self, query: Query) -> None:
        """Raise QueryError when the query asks for something that these events do not have."""
        known = (*DIMENSION_COLUMNS, *self.further)
        for dimension, _ in (*query.only, *query.without):
            if dimension not in known:
                raise QueryError(f"there is no dimension {dimension!r}: use one of {', '.join(known)}")
        for name in query.group_by:
            if name not in (*self.dimensions, *TIME_GROUPS):
                raise QueryError(f"cannot group by {name!r}: use one of {', '.join((*self.dimensions, *TIME_GROUPS))}")
        for column in query.columns or ():
            if column not in self.events.columns:
                raise QueryError(f"there is no column {column!r}: use some of {', '.join(self.events.columns)}")
        build(query, self._labels, self._free_text)

    # -- answers from the rollup -----------------------------------------------------------------------------------------
    def totals(self, query: Query) -> Totals:
        """Sums over the events that are shown."""
        predicate = build(query, self._labels, self._free_text)
        return Totals.of(rollup.regroup(self._cube(query, predicate).filter(predicate.on_labels()), []))

    def whole(self, query: Query) -> Totals:
        """Sums over all events of the range, without filters."""
        return self.totals(query.clear_filters())

    def facets(self, query: Query) -> dict[str, Facet]:
        """Every dimension's values with the number of events under all the other filters; chosen ones stay listed at 0."""
        predicate = build(query, self._labels, self._free_text)
        cube = self._cube(query, predicate)
        filtered = cube.filter(predicate.on_labels())
        facets = {}
        for column in self._labels:
            if column in self.rolled:
                under_others = cube.filter(predicate.on_labels(but=column)) if column in predicate.by_column else filtered
                facets[dimension_of(column)] = self._facet(query, under_others, column)
        return facets

    def _facet(self, query: Query, counted: pl.DataFrame, column: str) -> Facet:
        counted = counted.group_by(column).agg(pl.col(rollup.EVENTS).sum())
        labels, dimension = self._labels[column], dimension_of(column)
        counts = dict.fromkeys(labels.values, 0)
        for label, events in zip(counted.get_column(column).cast(pl.String), counted.get_column(rollup.EVENTS), strict=True):
            counts[EMPTY if label is None else label] = events
        chosen = {label for value in query.chosen(dimension) for label in labels.named(value)}
        excluded = {label for value in query.excluded(dimension) for label in labels.named(value)}
        values = [FacetValue(label, events, label in chosen, label in excluded) for label, events in counts.items()]
        return Facet(dimension, tuple(sorted(values, key=lambda value: (-value.events, value.value))))

    def series(self, query: Query, dimension: str = "model", *, measure: str = "total_tokens", limit: int = 6) -> Series:
        """A measure per day, or per hour for ranges up to two days, by a dimension; the rest beyond `limit` values as None."""
        predicate = build(query, self._labels, self._free_text)
        span = self._shown_span(query)
        unit = time_series.unit_for(span)
        column = column_of(dimension)
        facts = self._facts(query, predicate, needed=(column,))
        columns = self._columns_asked(predicate, column)
        key = ("series", unit, query.time_zone, query.range, self._events_key(query, predicate), tuple(columns))
        time_key = rollup.time_group(unit, query.time_zone)
        regrouped = self._rollups.get(key, lambda: rollup.regroup(facts, [time_key, *columns]))
        return time_series.build(regrouped.filter(predicate.on_labels()), unit, span, query.time_zone, column, measure, limit)

    def groups(self, query: Query) -> pl.DataFrame:
        """One row per group: key columns named as in `query.group_by`, then events, tokens, total_tokens, accelerator_seconds.

        Labels are text (null for an empty cell), `day` and `month` local dates, `hour` an instant in the query's zone.
        """
        if not query.group_by:
            raise QueryError("the query has no grouping")
        self.check(query)
        predicate = build(query, self._labels, self._free_text)
        facts = self._facts(query, predicate, needed=tuple(column_of(name) for name in query.group_by if name not in TIME_GROUPS))
        return grouping.build(facts.filter(predicate.on_labels()), query)

    # -- answers from the events -----------------------------------------------------------------------------------------
    def order(self, query: Query) -> pl.Series:
        """Row numbers (UInt32) of the events that are shown, in the query's order."""
        condition = self._event_condition(query)
        sort = self._sort_keys(query)
        known = self._orders.peek(sort)
        if condition is None:
            return self._whole_order(sort)
        mask = self.events.select(condition.alias("mask")).to_series()
        if mask.len() != self.events.height:
            return self._whole_order(sort) if mask[0] else order.natural_order(0)
        if known is None and mask.sum() < self.events.height // 4:
            rows = mask.arg_true().cast(pl.UInt32)
            subset = self.events.select([key.column for key in sort]).select(pl.all().gather(rows)) if sort else None
            return rows if subset is None else rows.gather(order.arg_sort(subset, sort, self._labels))
        whole = self._whole_order(sort)
        return whole.filter(mask.gather(whole))

    def first_rows(self, query: Query, count: int) -> pl.Series | None:
        """The first `count` row numbers of `order(query)`, found in its first part; None when that would not be quick."""
        condition = self._event_condition(query)
        sort = self._sort_keys(query)
        whole = self._orders.peek(sort)
        if whole is None:
            return None
        if condition is None:
            return whole.head(count)
        found: list[pl.Series] = []
        start, block, missing = 0, _FIRST_BLOCK, count
        while missing > 0 and start < len(whole):
            if block > _LAST_BLOCK:
                return None
            rows = whole.slice(start, block)
            needed = list(dict.fromkeys(condition.meta.root_names()))
            seen = self.events.select(pl.col(needed).gather(rows)).select(condition.alias("mask")).to_series()
            hits = rows.filter(seen) if len(seen) == len(rows) else rows.head(len(rows) if seen[0] else 0)
            found.append(hits.head(missing))
            missing -= len(found[-1])
            start, block = start + block, block * 4
        return pl.concat(found) if found else whole.head(0)

    def _whole_order(self, sort: tuple[SortKey, ...]) -> pl.Series:
        return self._orders.get(sort, lambda: order.arg_sort(self.events, sort, self._labels))

    def _sort_keys(self, query: Query) -> tuple[SortKey, ...]:
        """Sort keys that the events have; a key of a grouping (a count, a day) does not sort single events."""
        return tuple(key for key in query.sort if key.column in self.events.columns)

    def _event_condition(self, query: Query) -> pl.Expr | None:
        """All filters as one condition on events; None when every event is shown."""
        predicate = build(query, self._labels, self._free_text)
        conditions = [*predicate.by_column.values(), *predicate.across, *predicate.on_events]
        span = self.span_of_events
        lower = query.range.start is not None and span.start is not None and query.range.start > span.start
        upper = query.range.end is not None and span.end is not None and query.range.end < span.end
        conditions += in_range(TimeRange(query.range.start if lower else None, query.range.end if upper else None), "start_time")
        return all_of(conditions) if conditions else None

    # -- tables that answers are read from -------------------------------------------------------------------------------
    def _facts(self, query: Query, predicate: Predicate, needed: tuple[str, ...] = ()) -> pl.DataFrame:
        """A rollup of the range's events under the predicate's conditions on events, by all rolled columns and `needed`."""
        minutes = rollup.bucket_minutes(query.time_zone, self.span_of_events, query.range)
        asked = dict.fromkeys((*needed, *self._columns_asked(predicate)))
        extra = tuple(column for column in asked if column in self._labels and column not in self.rolled)
        on_events = list(predicate.on_events)
        if minutes is None:
            on_events += in_range(query.range, "start_time")
        if minutes == rollup.HOUR and not extra and not on_events:
            facts = self._hourly
        else:
            key = ("facts", minutes, extra, self._events_key(query, predicate))
            facts = self._rollups.get(key, lambda: self._roll_up(on_events, (*self.rolled, *extra), minutes or rollup.QUARTER))
        edges = in_range(query.range, rollup.BUCKET) if minutes is not None else []
        return facts.filter(all_of(edges)) if edges else facts

    def _roll_up(self, conditions: Sequence[pl.Expr], columns: Sequence[str], minutes: int) -> pl.DataFrame:
        events = self.events.lazy()
        return rollup.roll_up(events.filter(all_of(conditions)) if conditions else events, columns, minutes)

    def _cube(self, query: Query, predicate: Predicate) -> pl.DataFrame:
        """The facts without their time: one row per combination of labels."""
        columns = tuple(dict.fromkeys((*self.rolled, *self._columns_asked(predicate))))
        key = ("cube", query.range, columns, self._events_key(query, predicate))
        return self._rollups.get(key, lambda: rollup.regroup(self._facts(query, predicate), columns))

    def _columns_asked(self, predicate: Predicate, *more: str) -> list[str]:
        """Label columns that the predicate's conditions read, and `more`."""
        read = [name for condition in (*predicate.by_column.values(), *predicate.across) for name in condition.meta.root_names()]
        return list(dict.fromkeys([*more, *read]))

    def _events_key(self, query: Query, predicate: Predicate) -> Hashable:
        """What makes two queries see the same events before conditions on labels; None when that is all of them."""
        if not predicate.on_events:
            return query.range if rollup.bucket_minutes(query.time_zone, self.span_of_events, query.range) is None else None
        free = (*query.only, *query.without) if self._free_text else ()
        return (query.range, query.where, free, query.search if self._free_text else "")

    def _shown_span(self, query: Query) -> TimeRange:
        span = self.span_of_events
        return TimeRange(query.range.start or span.start, query.range.end or span.end)


_READING_ORDER = (
    "start_time", "usage_type", "base_model_name", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "email",
    "accelerator_type", "accelerator_seconds", "uncached_prompt_tokens", "end_time", "model_bucket", "parameter_count",
)  # fmt: skip
"""The order in which people read an event: when, what, how much, who; then the rest."""


class _Recent:
    """The last few results by key. Two threads may compute the same one; the first kept wins."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def peek(self, key: Hashable) -> pl.Series | None:
        with self._lock:
            return self._kept.get(key)  # type: ignore[return-value]

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made


def labels_of(ledger: Ledger) -> Mapping[str, Labels]:
    """The labels of every dictionary column of a ledger."""
    return ledger._labels
