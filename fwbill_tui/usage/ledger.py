"""Ledger: the usage events of one load, in memory, and the one place where a Query is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache, partial

import polars as pl

from fwbill_tui.usage import groups as grouping
from fwbill_tui.usage import order, rollup, zones
from fwbill_tui.usage import series as time_series
from fwbill_tui.usage.answers import Facet, Series, Totals
from fwbill_tui.usage.combinations import MOST, Combinations
from fwbill_tui.usage.facets import counted, facet_of
from fwbill_tui.usage.first_rows import first_rows
from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.names import (
    COLUMNS,
    DIMENSION_COLUMNS,
    REQUIRED_COLUMNS,
    TIME_GROUPS,
    column_of,
    dimension_of,
)
from fwbill_tui.usage.near_rows import NearRows, near_rows
from fwbill_tui.usage.predicate import Predicate, all_of, build, in_range
from fwbill_tui.usage.query import EVERYTHING, NoSingleEventsError, Query, QueryError, SortKey, TimeRange
from fwbill_tui.usage.recent import Recent
from fwbill_tui.usage.schema import Reject

_KEPT_ORDERS = 3
"""Whole orders kept for re-use: four bytes per event each."""
_KEPT_MASKS = 4
"""Masks of the events under a query's filters kept for re-use: one bit per event each."""
_KEPT_ROLLUP_BYTES = 256 << 20
_KEPT_FEWS = 8
_FEW = 4
"""Fewer than one event in so many are sorted by themselves rather than picked from a whole order not known yet."""
_FEWER = 100
"""The same with a whole order that is known."""
_FIRST_BLOCK = 1 << 15
_LAST_BLOCK = 1 << 20
_GROUP_KEYS = (*grouping.GROUP_MEASURES, *TIME_GROUPS)


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
        largest: Mapping[str, int] | None = None,
        day_sums: int = 0,
        untold: Mapping[str, str] | None = None,
    ) -> None:
        """`hourly` is the rollup of `events` over the label columns `rolled`, in hours; `largest` is what
        `rollup.largest_counts` says of them, if that is known already. `day_sums` of the rows are sums per day;
        `untold` is what `Told.untold` says of them."""
        self.events = events
        self.rolled = tuple(rolled)
        self.rejects = tuple(rejects)
        self.rejected = len(self.rejects) if rejected is None else rejected
        self.further = tuple(column for column in events.columns if column not in COLUMNS)
        self.day_sums = day_sums
        self.untold = untold or {}
        self._hourly = hourly
        self._labels = {
            column: Labels(column, (hourly if column in self.rolled else events).get_column(column))
            for column, dtype in events.schema.items()
            if isinstance(dtype, pl.Categorical)
        }
        self._free_text = tuple(column for column in self.further if column not in self._labels)
        self._rollups = Recent[pl.DataFrame](_KEPT_ROLLUP_BYTES)
        self._orders = Recent[pl.Series](_KEPT_ORDERS * 4 * max(events.height, 1))
        self._masks = Recent[pl.Series](_KEPT_MASKS * max(events.height // 8, 1))
        self._fews: tuple[Combinations, ...] = ()
        self._buckets: dict[str, int] = {}
        self._largest = rollup.largest_counts(events) if largest is None else largest
        self._huge_counts = self._largest["prompt_tokens"] + self._largest["completion_tokens"] >= 1 << 63

    # -- what is here --------------------------------------------------------------------------------------------------
    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that have facets and can be grouped by, Fireworks' own first."""
        return tuple(dict.fromkeys([*DIMENSION_COLUMNS, *(dimension_of(column) for column in self._labels)]))

    @property
    def free_text(self) -> tuple[str, ...]:
        """The further columns that are no dimensions."""
        return self._free_text

    @cached_property
    def event_count(self) -> int:
        """How many usage events this is about; rows of a rollup stand for several each."""
        return int(self._hourly.get_column(rollup.EVENTS).sum())

    @property
    def row_names(self) -> tuple[str, str]:
        """What one row is called, and several: not all are events where usage is told by day."""
        if not self.day_sums:
            return "event", "events"
        return ("day sum", "day sums") if self.day_sums == self.event_count else ("event or day sum", "events and day sums")

    @property
    def has_hours(self) -> bool:
        """Whether the hour of everything is known."""
        return not self.day_sums

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
        """Columns in which no event has a value; none where there are no events, of which nothing is known."""
        if self.events.is_empty():
            return frozenset()
        optional = (column for column in self.events.columns if column not in REQUIRED_COLUMNS)
        return frozenset(column for column in optional if self.events.get_column(column).null_count() == self.events.height)

    def visible_columns(self, query: Query) -> tuple[str, ...]:
        """The columns to show, in order: those asked for, or all that are not empty throughout; start_time first."""
        if known := tuple(column for column in query.columns or () if column in self.events.columns):
            return known
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
        for key in query.sort:
            if column_of(key.column) not in self.events.columns and key.column not in _GROUP_KEYS:
                raise QueryError(f"cannot sort by {key.column!r}: use columns, or in groups {', '.join(_GROUP_KEYS)}")
        self._longest_bucket(query.time_zone)
        self._predicate(query)

    def answers_at_once(self, query: Query) -> bool:
        """Whether totals, facets and series are added up in less than a frame, where they were asked for before with other
        labels chosen, or with another search, but in the same range and time zone. Raises QueryError as they do."""
        if not self._labels.keys() <= set(self.rolled) or self._predicate(query).on_events:
            return False
        cube = self._rollups.peek(("cube", query.range, self.rolled, ()))
        return any(few.quick for few in self._fews if few.cube is cube)

    # -- answers from the rollup -----------------------------------------------------------------------------------------
    def totals(self, query: Query) -> Totals:
        """Sums over the events that are shown."""
        predicate = self._predicate(query)
        cube = self._cube(query, predicate)
        if (few := self._few(cube)) is not None:
            return few.totals(few.where(predicate))
        return Totals.of(rollup.regroup(cube.filter(predicate.on_labels()), []))

    def whole(self, query: Query) -> Totals:
        """Sums over all events of the range, without filters."""
        return self.totals(query.clear_filters())

    def rows_in_range(self, query: Query) -> int:
        """How many rows `events` has in the query's range, without filters. They may be on disk."""
        return self.whole(query).events

    def facets(self, query: Query) -> dict[str, Facet]:
        """Every dimension's values with the number of events under all the other filters; chosen ones stay listed at 0."""
        predicate = self._predicate(query)
        return {dimension: self._facet(query, predicate, dimension) for dimension in self.dimensions}

    def _facet(self, query: Query, predicate: Predicate, dimension: str) -> Facet:
        column = column_of(dimension)
        cube = self._cube(query, predicate, *(() if column in self.rolled else (column,)))
        if (few := self._few(cube)) is not None:
            counts = few.counts(column, few.where(predicate, but=column))
        else:
            counts = counted(cube.filter(predicate.on_labels(but=column)), column)
        return facet_of(query, self._labels[column], counts)

    def series(self, query: Query, dimension: str = "model", *, measure: str = "total_tokens", limit: int = 6) -> Series:
        """A measure per day, or per hour for ranges up to two days, by a dimension; the rest beyond `limit` values as None."""
        predicate = self._predicate(query)
        span = self._shown_span(query)
        unit = time_series.unit_for(span) if self.has_hours else "day"
        column = column_of(dimension)

        def facts() -> pl.DataFrame:
            # By all rolled columns, so that a filter on others than the last one finds its table there.
            return self._by_time(query, predicate, (unit,), column, *self.rolled)

        few = self._few(self._cube(query, predicate, column))
        if few is not None:
            shown = few.where(predicate)
            found = time_series.of_combinations(few, shown, facts, unit, span, query.time_zone, column, measure, limit)
            if found is not None:
                return found
        return time_series.build(facts().filter(predicate.on_labels()), unit, span, query.time_zone, column, measure, limit)

    def groups(self, query: Query) -> pl.DataFrame:
        """One row per group: key columns named as in `query.group_by`, then events, tokens, total_tokens, accelerator_seconds.

        Labels are text (null for an empty cell), `day` and `month` local dates, `hour` an instant in the query's zone.
        """
        if not query.group_by:
            raise QueryError("the query has no grouping")
        self.check(query)
        predicate = self._predicate(query)
        times = tuple(name for name in query.group_by if name in TIME_GROUPS)
        columns = tuple(column_of(name) for name in query.group_by if name not in TIME_GROUPS)
        facts = self._by_time(query, predicate, times, *columns) if times else self._cube(query, predicate, *columns)
        return grouping.build(facts.filter(predicate.on_labels()), query)

    def rollup(self, query: Query) -> pl.DataFrame:
        """What is shown, summed per hour and combination of labels: a rollup as its file has it, with labels as text, sorted.

        The buckets are quarter hours (or minutes) where the query's time zone or range needs that. It has every dimension,
        also those that are too many for the rollup kept here; `free_text` is left out. Raises QueryError for sums that do not
        fit the 64 bits of such a file.
        """
        self.check(query)
        predicate = self._predicate(query)
        columns = tuple(dict.fromkeys((*self.rolled, *self._labels)))
        keys = [rollup.BUCKET, *columns]
        summed = rollup.regroup(self._facts(query, predicate, *columns).filter(predicate.on_labels()), keys)
        summed = rollup.narrowed(summed).select(*keys, *rollup.SUMS)
        if wide := [name for name in rollup.SUMS if summed.schema[name] == pl.Int128]:
            raise QueryError(f"sums of {', '.join(wide)} do not fit the 64 bits that a rollup has for them: use fewer events")
        return summed.with_columns(pl.col(columns).cast(pl.String)).sort(keys, nulls_last=True)

    # -- answers from the events -----------------------------------------------------------------------------------------
    def order(self, query: Query) -> pl.Series:
        """Row numbers (UInt32) of the events that are shown, in the query's order."""
        condition = self._event_condition(query)
        sort = self._sort_keys(query)
        if condition is None:
            return self._whole_order(sort)
        mask = self._mask(query, condition)
        if mask.sum() < self.events.height // (_FEW if self._orders.peek(sort) is None else _FEWER):
            return order.arg_sort_where(mask, self.events, sort, self._labels)
        whole = self._whole_order(sort)
        return whole if mask.all() else whole.filter(mask.gather(whole))

    def first_rows(self, query: Query, count: int) -> pl.Series:
        """The first `count` row numbers of `order(query)`, without working out the others."""
        condition = self._event_condition(query)
        sort = self._sort_keys(query)
        whole = self._orders.peek(sort)
        if whole is not None:
            found = whole.head(count) if condition is None else self._first_found(whole, condition, count)
            if found is not None:
                return found
        mask = None if condition is None else self._mask(query, condition)
        return first_rows(self.events, sort, self._labels, count, mask)

    def near_rows(self, query: Query, row: int, around: int) -> NearRows | None:
        """The rows of `order(query)` around one of them, without working out the others; None where all are there as soon."""
        condition = self._event_condition(query)
        sort = self._sort_keys(query)
        if self._orders.peek(sort) is not None:
            return None
        mask = None if condition is None else self._mask(query, condition)
        return near_rows(self.events, sort, self._labels, row, around, mask)

    def shows(self, query: Query, row: int) -> bool:
        """Whether an event is one of those that are shown."""
        condition = self._event_condition(query)
        return condition is None or bool(self._mask(query, condition)[row])

    def _first_found(self, whole: pl.Series, condition: pl.Expr, count: int) -> pl.Series | None:
        """The first rows of an order for which a condition holds; None when they are not among the first it has."""
        read = list(dict.fromkeys(condition.meta.root_names()))
        found = whole.clear()
        start, block = 0, _FIRST_BLOCK
        while len(found) < count and start < len(whole):
            if block > _LAST_BLOCK:
                return None
            rows = whole.slice(start, block)
            part = self.events.select(pl.col(read or REQUIRED_COLUMNS).gather(rows))
            found.append(rows.filter(order.mask(part, condition)))
            start, block = start + block, block * 4
        return found.head(count)

    def _mask(self, query: Query, condition: pl.Expr) -> pl.Series:
        """Whether each event is shown; sorting the same ones otherwise does not ask again."""
        asked = (query.range, query.only, query.without, query.search, query.where)
        return self._masks.get(asked, lambda: order.mask(self.events, condition))

    def _whole_order(self, sort: tuple[SortKey, ...]) -> pl.Series:
        return self._orders.get(sort, lambda: order.arg_sort(self.events, sort, self._labels))

    def _sort_keys(self, query: Query) -> tuple[SortKey, ...]:
        """Sort keys that the events have; a key of a grouping (a count, a day) does not sort single events."""
        columns = self.events.columns
        keys = (key if key.column in columns else SortKey(column_of(key.column), key.descending) for key in query.sort)
        return tuple(key for key in keys if key.column in columns)

    def _event_condition(self, query: Query) -> pl.Expr | None:
        """All filters as one condition on events; None when every event is shown."""
        predicate = self._event_predicate(query)
        conditions = [*predicate.by_column.values(), *predicate.across, *predicate.on_events.values()]
        if query.range != EVERYTHING:
            span = self.span_of_events
            lower = query.range.start is not None and span.start is not None and query.range.start > span.start
            upper = query.range.end is not None and span.end is not None and query.range.end < span.end
            edges = TimeRange(query.range.start if lower else None, query.range.end if upper else None)
            conditions += in_range(edges, "start_time")
        return all_of(conditions) if conditions else None

    def _event_predicate(self, query: Query) -> Predicate:
        return self._predicate(query)

    def _refuse(self, query: Query) -> None:
        """Raise NoSingleEventsError for what sums per day cannot answer."""
        if self.day_sums and query.where:
            raise NoSingleEventsError(f"sums per day have no single events to ask for {query.where[0]}: leave the condition out")
        if not self.has_hours and "hour" in query.group_by:
            raise NoSingleEventsError("sums per day have no hours: group by day or month")

    def _predicate(self, query: Query) -> Predicate:
        self._refuse(query)
        filters = Query(only=query.only, without=query.without, search=query.search, where=query.where)
        return self._predicate_of(filters)

    @cached_property
    def _predicate_of(self) -> Callable[[Query], Predicate]:
        """Kept: totals, facets, chart and rows of one query ask for the same one.

        Holds nothing of `self` but labels. In a cycle, a ledger that was replaced would keep its events until garbage is
        looked for, and for good where the garbage collector was told to leave alone what was there.
        """
        made = partial(build, labels=self._labels, free_text=self._free_text, huge_counts=self._huge_counts)
        return lru_cache(maxsize=4)(made)

    # -- tables that answers are read from -------------------------------------------------------------------------------
    def _cube(self, query: Query, predicate: Predicate, *more: str) -> pl.DataFrame:
        """The events under the conditions that need events, without time: one row per combination of labels.

        It has the rolled columns, those that the conditions on labels read, and `more`.
        """
        columns = tuple(dict.fromkeys((*self.rolled, *predicate.label_columns(), *more)))
        conditions = tuple(predicate.on_events)

        def make() -> pl.DataFrame:
            if columns == self.rolled:
                return rollup.regroup(self._facts(query, predicate), columns)
            within = in_range(query.range, "start_time")
            return self._roll_up(columns, None, [*within, *predicate.on_events.values()])

        return self._rollups.get(("cube", query.range, columns, conditions), make)

    def _few(self, cube: pl.DataFrame) -> Combinations | None:
        """The rows of a cube as Python values, where they are few; the last ones are kept."""
        if cube.height > MOST:
            return None
        known = next((few for few in self._fews if few.cube is cube), None)
        if known is None:
            columns = [column for column in cube.columns if column not in rollup.SUMS]
            known = Combinations(cube, columns)
            self._fews = (known, *self._fews[: _KEPT_FEWS - 1])
        return known

    def _by_time(self, query: Query, predicate: Predicate, times: tuple[str, ...], *more: str) -> pl.DataFrame:
        """The facts by time groupings, and by the label columns that the conditions on labels read and `more`."""
        columns = tuple(dict.fromkeys((*more, *predicate.label_columns())))
        key = ("time", times, query.time_zone, query.range, columns, tuple(predicate.on_events))
        keys: list[str | pl.Expr] = [*columns, *(rollup.time_group(name, query.time_zone) for name in times)]
        return self._rollups.get(key, lambda: rollup.regroup(self._facts(query, predicate, *columns), keys))

    def _facts(self, query: Query, predicate: Predicate, *more: str) -> pl.DataFrame:
        """A rollup of the range's events under the conditions that need events, by all rolled columns and `more`."""
        minutes = self._longest_bucket(query.time_zone)
        if not rollup.aligned(query.range, minutes) and rollup.aligned(query.range, rollup.QUARTER):
            minutes = min(minutes, rollup.QUARTER)
        aligned = rollup.aligned(query.range, minutes)
        columns = tuple(dict.fromkeys((*self.rolled, *more)))
        if aligned and minutes == rollup.HOUR and columns == self.rolled and not predicate.on_events:
            facts = self._hourly
        else:
            within = [] if aligned else in_range(query.range, "start_time")
            key = ("facts", minutes, columns, None if aligned else query.range, tuple(predicate.on_events))
            facts = self._rollups.get(key, lambda: self._roll_up(columns, minutes, [*within, *predicate.on_events.values()]))
        edges = in_range(query.range, rollup.BUCKET) if aligned else []
        return facts.filter(all_of(edges)) if edges else facts

    def _roll_up(self, columns: Sequence[str], minutes: int | None, conditions: Sequence[pl.Expr]) -> pl.DataFrame:
        where = all_of(conditions) if conditions else None
        return rollup.roll_up(self.events, columns, minutes, where=where, largest=self._largest)

    def _longest_bucket(self, time_zone: str) -> int:
        """See `rollup.longest_bucket`. Raises QueryError for an unknown time zone."""
        if time_zone not in self._buckets:
            zones.zone(time_zone)
            try:
                self._buckets[time_zone] = rollup.longest_bucket(self._hourly.get_column(rollup.BUCKET), time_zone)
            except pl.exceptions.ComputeError:
                raise QueryError(f"the time zone {time_zone!r} cannot be used: write one such as UTC or Europe/Berlin") from None
        return self._buckets[time_zone]

    def _shown_span(self, query: Query) -> TimeRange:
        start = query.range.start or self.span_of_events.start
        end = query.range.end or self.span_of_events.end
        beside = start is not None and end is not None and start >= end  # an open range that begins after the last event
        return TimeRange() if beside else TimeRange(start, end)


_READING_ORDER = (
    "start_time", "usage_type", "base_model_name", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "email",
    "accelerator_type", "accelerator_seconds", "uncached_prompt_tokens", "end_time", "model_bucket", "parameter_count",
)  # fmt: skip
"""The order in which people read an event: when, what, how much, who; then the rest."""


def labels_of(ledger: Ledger) -> Mapping[str, Labels]:
    """The labels of every dictionary column of a ledger."""
    return ledger._labels
