"""A rollup that was computed elsewhere, answered from as if its events were here.

The rows of the rollup take the place of the events: each has a bucket's start as its `start_time` and says in `events`
how many it stands for. What a Ledger sums, it sums from these rows; what only single events could answer is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property

import polars as pl

from fwbill_tui.usage import rollup, zones
from fwbill_tui.usage.answers import Series
from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import DIMENSION_COLUMNS, MEASURES, TIME_GROUPS
from fwbill_tui.usage.predicate import all_of, in_range
from fwbill_tui.usage.query import Query, QueryError, TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

COLUMNS = (rollup.BUCKET, *DIMENSION_COLUMNS.values(), rollup.EVENTS, *MEASURES)
"""The columns of a rollup file, in the order in which we write them; further labels come before `events`."""
REQUIRED = (rollup.BUCKET, "usage_type", rollup.EVENTS, *MEASURES)
"""Without one of these it is no rollup: a sum that is not there is not zero. Label columns may be left out."""
DERIVED = frozenset({*DIMENSION_COLUMNS, *TIME_GROUPS, "total_tokens", "end_time", "parameter_count"} - {*COLUMNS})
"""Further columns of such a name are not read: they would stand beside ours of that name, or belong to single events."""

NAMES_IN_FILES: Mapping[str, str] = {"start_time": rollup.BUCKET}
"""How a column of the rows is called in a file, so that a rollup that was saved cannot be taken for events."""

_DAY = 24 * 60
_LENGTHS = {_DAY: "a day", rollup.HOUR: "an hour", 30: "half an hour", rollup.QUARTER: "a quarter of an hour", 1: "a minute"}
"""The buckets that are told apart, in minutes, the longest first."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_CERTAIN_DAYS, _CERTAIN = 4, 12
"""Different starts of one file from which on their grain is no chance: parts of a finer rollup may have few rows each."""


def bucket_minutes(starts: pl.Series) -> int:
    """The longest bucket, in minutes, that these starts (UTC) allow: 1440, 60, 30, 15 or 1.

    Buckets that all begin at midnight are taken for days when there are several: an hour's and a day's look the same.
    """
    distinct = starts.unique()
    lengths = [length for length in _LENGTHS if length != _DAY or len(distinct) > 1]
    return next((length for length in lengths if (distinct.dt.truncate(f"{length}m") == distinct).all()), 1)


def certain_minutes(starts: pl.Series) -> int:
    """The bucket of one file of several, in minutes, as `bucket_minutes` tells it; 1 where that may be by chance."""
    minutes = bucket_minutes(starts)
    return minutes if starts.n_unique() >= (_CERTAIN_DAYS if minutes == _DAY else _CERTAIN) else 1


class RollupLedger(Ledger):
    """A Ledger whose `events` are the rows of a rollup: `start_time`, label columns, `events`, measures.

    Conditions on single events, and days or ranges that would cut a bucket in two, raise QueryError.
    """

    def __init__(self, rows: pl.DataFrame, *, coarsest: int = 1, rejects: Sequence[Reject] = ()) -> None:
        """`rows` are groups of the finest grain; the same group may come several times, it is summed. Some have buckets of
        `coarsest` minutes."""
        labels = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Categorical)]
        super().__init__(rows, _summed(rows, labels, rollup.HOUR), rolled=labels, rejects=rejects)
        self.further = tuple(column for column in self.further if column != rollup.EVENTS)
        self._free_text = ()
        self.minutes = max(coarsest, bucket_minutes(rows.get_column("start_time")))
        """The length of the longest bucket, in minutes."""
        self._whole_in: dict[str, bool] = {}

    @cached_property
    def span_of_events(self) -> TimeRange:
        """From the start of the first bucket to the end of the last one."""
        starts = pl.col("start_time")
        first, last = self.events.select(starts.min().alias("first"), starts.max().alias("last")).row(0)
        if first is None:
            return TimeRange()
        return TimeRange(first.astimezone(UTC), last.astimezone(UTC) + timedelta(minutes=self.minutes))

    @property
    def has_hours(self) -> bool:
        """Whether buckets are no longer than an hour."""
        return self.minutes <= rollup.HOUR

    def visible_columns(self, query: Query) -> tuple[str, ...]:
        """As of events; how many events a row stands for comes before their sums."""
        if query.columns is not None:
            return super().visible_columns(query)
        shown = [column for column in super().visible_columns(query) if column in self.events.columns]
        first = next((place for place, column in enumerate(shown) if column in MEASURES), len(shown))
        return (*shown[:first], rollup.EVENTS, *shown[first:])

    def rows_in_range(self, query: Query) -> int:
        """Groups of the finest grain."""
        self._refuse(query)
        within = in_range(query.range, "start_time")
        return self.events.filter(all_of(within)).height if within else self.events.height

    def series(self, query: Query, dimension: str = "model", *, measure: str = "total_tokens", limit: int = 6) -> Series:
        """As of events. Raises QueryError for days that would cut a bucket in two."""
        self._refuse_days(query.time_zone)
        return super().series(query, dimension, measure=measure, limit=limit)

    def rollup(self, query: Query) -> pl.DataFrame:
        """As of events. Raises QueryError where days in the query's zone could not be summed from it, either."""
        self._refuse_days(query.time_zone)
        return super().rollup(query)

    def _roll_up(self, columns: Sequence[str], minutes: int | None, conditions: Sequence[pl.Expr]) -> pl.DataFrame:
        return _summed(self.events.filter(all_of(conditions)) if conditions else self.events, columns, minutes)

    def _refuse(self, query: Query) -> None:
        """Raise QueryError for what sums per bucket cannot answer."""
        if query.where:
            raise QueryError(f"a rollup has no single events to ask for {query.where[0]}: open the events for that")
        length, begin = self._buckets_said
        if not self.has_hours and "hour" in query.group_by:
            raise QueryError(f"this rollup has buckets of {length}{begin}, and so no hours: group by day or month")
        if not set(TIME_GROUPS).isdisjoint(query.group_by):
            self._refuse_days(query.time_zone)
        span = self.span_of_events
        for edge in (query.range.start, query.range.end):
            within = edge is not None and span.start is not None and span.end is not None and span.start < edge < span.end
            if edge is not None and within and (edge - _EPOCH) % timedelta(minutes=self.minutes):
                raise QueryError(
                    f"this rollup has buckets of {length}{begin}, which {edge:%Y-%m-%d %H:%M:%S} UTC cuts in two: "
                    "use a range that begins and ends with a bucket"
                )

    def _refuse_days(self, time_zone: str) -> None:
        """Raise QueryError for a zone whose days cannot be summed from these buckets."""
        if not self._whole(time_zone):
            length, begin = self._buckets_said
            raise QueryError(
                f"this rollup has buckets of {length}{begin}, which days in {time_zone} cut in two: "
                "use another time zone such as UTC, or a rollup with shorter buckets"
            )

    @property
    def _buckets_said(self) -> tuple[str, str]:
        return _LENGTHS[self.minutes], " (they all begin at midnight UTC)" if self.minutes == _DAY else ""

    def _whole(self, time_zone: str) -> bool:
        """Whether no day or hour of a zone begins within a bucket. Raises QueryError for an unknown zone."""
        if time_zone not in self._whole_in:
            zones.zone(time_zone)
            first = self.events.get_column("start_time").unique()
            last = first.dt.offset_by(f"{self.minutes}m").dt.offset_by("-1us")
            cut = False
            for instants in (first, last):
                local = instants.dt.convert_time_zone(time_zone)
                offset = local.dt.base_utc_offset() + local.dt.dst_offset()
                cut = cut or bool((offset.dt.total_minutes() % self.minutes != 0).any())
            self._whole_in[time_zone] = not cut
        return self._whole_in[time_zone]


class RollupBuilder(LedgerBuilder):
    """Collects the rows of one or several rollup files, as a LedgerBuilder collects events."""

    def __init__(self, types: EventTypes) -> None:
        super().__init__(types)
        self._rows: list[pl.DataFrame] = []
        self._coarsest = 1

    def add(self, batch: Batch) -> None:
        """Take rows in: the thirteen columns of events with the bucket as `start_time`, `events`, and further labels as text."""
        self._rows.append(batch.events)
        self._coarsest = max(self._coarsest, certain_minutes(batch.events.get_column("start_time")))
        self.events += batch.events.height

    def build(self) -> RollupLedger:
        """The ledger of everything added so far."""
        empty = self.types.frame_schema().to_frame().with_columns(pl.lit(None, dtype=pl.Int64).alias(rollup.EVENTS))
        rows = pl.concat([*self._rows, empty], how="diagonal", rechunk=True)
        own = ("start_time", *DIMENSION_COLUMNS.values())
        further = [column for column in rows.columns if column not in (*empty.columns, *DERIVED)]
        labels = [pl.when(pl.col(name) != "").then(pl.col(name)).cast(self.types.label(name)).alias(name) for name in further]
        sums = [pl.col(column).fill_null(0) for column in rollup.SUMS]
        return RollupLedger(rows.select(*own, *labels, *sums), coarsest=self._coarsest)


def names_in_files(ledger: Ledger) -> Mapping[str, str]:
    """Columns of a ledger's `events` that are called otherwise in files, with that name."""
    return NAMES_IN_FILES if isinstance(ledger, RollupLedger) else {}


def _summed(rows: pl.DataFrame, columns: Sequence[str], minutes: int | None) -> pl.DataFrame:
    keys: list[str | pl.Expr] = [*columns]
    if minutes is not None:
        keys.insert(0, pl.col("start_time").dt.truncate(f"{minutes}m").alias(rollup.BUCKET))
    return rollup.regroup(rows, keys)
