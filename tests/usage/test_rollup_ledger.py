"""A rollup made elsewhere answers as the events it was made from, or refuses; it never answers otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_reference import COLUMN
from usage_strategies import bucket_totals, event_lists, frame_of, ledger_of, queries

from fwbill_tui.usage import rollup
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import MEASURES, column_of
from fwbill_tui.usage.query import Condition, Query, QueryError, SortKey, TimeRange
from fwbill_tui.usage.rollup_ledger import COLUMNS, RollupBuilder, RollupLedger, bucket_minutes
from fwbill_tui.usage.schema import Batch, EventTypes

NINE = datetime(2026, 10, 1, 9, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rollup_ledger(rows: pl.DataFrame) -> RollupLedger:
    """The ledger of rows as a rollup file has them."""
    types = EventTypes()
    known = types.frame_schema()
    typed = rows.rename({"bucket": "start_time"}).with_columns(
        pl.col(name).cast(known[name]) for name in COLUMN.values() if name in rows.columns
    )
    builder = RollupBuilder(types)
    half = typed.height // 2
    builder.add(Batch(typed[:half]))
    builder.add(Batch(typed[half:]))
    return builder.build()


def summed(ledger: Ledger, minutes: int) -> pl.DataFrame:
    return rollup.roll_up(ledger.events, ledger.rolled, minutes).with_columns(pl.col(ledger.rolled).cast(pl.String))


def cut_by(ledger: RollupLedger, query: Query) -> str:
    """Which of the query's zone and range cuts a bucket, worked out bucket by bucket; '' for neither."""
    step, clock = timedelta(minutes=ledger.minutes), ZoneInfo(query.time_zone)
    for start in ledger.events.get_column("start_time").to_list():
        for instant in (start, start + step - timedelta.resolution):
            offset = instant.astimezone(clock).utcoffset()
            if offset is None or offset % step:
                return "zone"
    span = ledger.span()
    inside = [edge for edge in (query.range.start, query.range.end) if edge and span.start and span.start < edge < span.end]
    return "range" if any((edge - _EPOCH) % step for edge in inside) else ""


@pytest.mark.parametrize("cut", ["", "zone", "range"])
def test_answers_are_those_of_the_events(cut: str) -> None:
    """`cut`: what is drawn so that it cuts a bucket, nearly always; else all is as it comes."""
    outcomes: set[str] = set()

    @settings(max_examples=30 if cut else 60, deadline=None)
    @given(st.data())
    def asked(data: st.DataObject) -> None:
        outcomes.add(answered_or_refused(data, cut))

    asked()
    assert (cut or "answered") in outcomes


def answered_or_refused(data: st.DataObject, cut: str) -> str:
    """Ask a rollup and the events the same. Returns why the rollup refused, or that it answered."""
    further = data.draw(st.sampled_from([(), ("tag",)]))
    drawn = data.draw(event_lists(further=further))
    events = ledger_of(drawn, further)
    dimensions = [name for name in ("tag",) if name in events.further]
    query, _ = data.draw(queries(further=dimensions, groups=[*COLUMN, *dimensions, "hour", "day", "month"]))
    if cut == "zone":
        query = replace(query, where=(), time_zone="Asia/Kolkata")
    if cut == "range" and drawn:
        at = data.draw(st.sampled_from(drawn))["start_time"]
        edge = at.replace(minute=data.draw(st.sampled_from([7, 0, 30])), second=1, microsecond=0)
        edges = data.draw(st.sampled_from([(edge, None), (None, edge), (edge, edge + timedelta(hours=3))]))
        query = replace(query, where=(), range=TimeRange(*edges), time_zone="UTC")
    query = replace(query, sort=tuple(key for key in query.sort if key.column not in ("end_time", "parameter_count")))
    ours = rollup_ledger(summed(events, 60 if cut == "zone" else data.draw(st.sampled_from([60, 15]))))

    def answers(ledger: Ledger) -> dict[str, Any]:
        span = ours.span()
        closed = query.range.start and query.range.end
        whole = query if closed or not span.start else replace(query, range=TimeRange(span.start, span.end))
        return {
            "totals": ledger.totals(query),
            "facets": ledger.facets(query),
            "groups": ledger.groups(query).rows(),
            "series": ledger.series(whole, "user", limit=2),
            "unmatched": ledger.unmatched(query),
        }

    try:
        given_ = answers(ours)
    except QueryError:
        why = "condition" if query.where else cut_by(ours, query)
        assert why
        return why
    assert given_ == answers(events)
    shown = ours.events[ours.order(query)]
    assert shown.get_column("events").sum() == events.totals(query).events
    return "answered"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_rollup_of_a_rollup_is_the_same(data: st.DataObject) -> None:
    events = ledger_of(data.draw(event_lists()))
    made = events.rollup(Query())
    assert tuple(made.columns) == COLUMNS
    again = rollup_ledger(made)
    assert again.rollup(Query()).rows() == made.rows()
    assert again.event_count == events.event_count == events.events.height


ROW = dict.fromkeys(COLUMN.values(), None) | dict.fromkeys(MEASURES, 0) | {"usage_type": "TEXT", "events": 1}


def of_buckets(*starts: datetime, **more: object) -> RollupLedger:
    types: dict[str, pl.DataType] = dict.fromkeys(COLUMN.values(), pl.String())
    types |= {"bucket": pl.Datetime("us", "UTC"), "accelerator_seconds": pl.Float64()}
    return rollup_ledger(pl.DataFrame([{"bucket": start, **ROW, **more} for start in starts], schema_overrides=types))


@pytest.mark.parametrize(
    ("starts", "minutes"),
    [
        ([NINE], 60),
        ([NINE.replace(hour=0)], 60),
        ([NINE.replace(hour=0), NINE.replace(hour=0, day=3)], 1440),
        ([NINE, NINE + timedelta(minutes=30)], 30),
        ([NINE, NINE + timedelta(minutes=45)], 15),
        ([NINE, NINE + timedelta(minutes=1)], 1),
        ([NINE, NINE + timedelta(seconds=5)], 1),
    ],
)
def test_the_length_of_buckets_is_found(starts: list[datetime], minutes: int) -> None:
    assert bucket_minutes(pl.Series(starts, dtype=pl.Datetime("us", "UTC"))) == minutes
    ledger = of_buckets(*starts)
    assert ledger.span() == TimeRange(starts[0], starts[-1] + timedelta(minutes=minutes))


QUESTIONS: list[Callable[[Ledger, Query], object]] = [
    Ledger.totals, Ledger.whole, Ledger.facets, Ledger.series, Ledger.order, Ledger.check,
    lambda ledger, query: ledger.groups(replace(query, group_by=("model",))),
    Ledger.rollup,
]  # fmt: skip
REFUSED = {
    "no single events": Query(where=(Condition("prompt_tokens", ">", 1),)),
    "which 2026-10-01 09:30:00 UTC cuts in two": Query(range=TimeRange(end=NINE + timedelta(minutes=30))),
}


@pytest.mark.parametrize("ask", QUESTIONS)
@pytest.mark.parametrize("said", REFUSED)
def test_what_sums_cannot_answer_is_refused_whoever_asks(said: str, ask: Callable[[Ledger, Query], object]) -> None:
    query = REFUSED[said]
    if ask is Ledger.whole and query.where:
        pytest.skip("the whole range is asked for without conditions")
    with pytest.raises(QueryError, match=said):
        ask(of_buckets(NINE, NINE + timedelta(hours=1)), query)


def test_days_that_cut_buckets_are_refused_where_days_are_asked_for() -> None:
    ledger, query = of_buckets(NINE, NINE + timedelta(hours=1)), Query(time_zone="Asia/Kolkata")
    by_day = replace(query, group_by=("model", "day"))
    for ask in (lambda: ledger.series(query), lambda: ledger.rollup(query), lambda: ledger.groups(by_day)):
        with pytest.raises(QueryError, match="which days in Asia/Kolkata cut in two"):
            ask()
    utc = replace(query, time_zone="UTC")
    for ask in (Ledger.totals, Ledger.whole, Ledger.facets):
        assert ask(ledger, query) == ask(ledger, utc)
    by_model = replace(query, group_by=("model",))
    ledger.check(by_model)
    assert ledger.groups(by_model).equals(ledger.groups(replace(utc, group_by=("model",))))


def test_quarter_hours_are_cut_right_in_kolkata() -> None:
    ledger = of_buckets(NINE.replace(hour=18, minute=15), NINE.replace(hour=18, minute=30))
    groups = ledger.groups(Query(time_zone="Asia/Kolkata", group_by=("day",)))
    assert {str(day) for day in groups.get_column("day")} == {"2026-10-01", "2026-10-02"}


def test_days_are_not_taken_for_hours_where_that_would_show() -> None:
    ledger = of_buckets(NINE.replace(hour=0), NINE.replace(hour=0, day=2))
    assert ledger.groups(Query(group_by=("day",))).height == 2
    with pytest.raises(QueryError, match="midnight"):
        ledger.groups(Query(time_zone="Europe/Berlin", group_by=("day",)))


def test_the_longest_buckets_of_several_files_decide() -> None:
    midnight = NINE.replace(hour=0)
    days = [midnight + timedelta(days=number) for number in range(5)]
    builder = RollupBuilder(EventTypes())
    for starts in (days, [NINE, NINE + timedelta(minutes=15)]):
        builder.add(Batch(frame_of([{"start_time": start, "usage_type": "TEXT"} for start in starts], builder.types)
                          .with_columns(pl.lit(1, dtype=pl.Int64).alias("events"))))  # fmt: skip
    ledger = builder.build()
    assert ledger.minutes == 1440
    assert ledger.totals(Query()).events == 7
    assert ledger.series(Query(), measure="events").unit == "day"
    with pytest.raises(QueryError, match="buckets of a day"):
        ledger.groups(Query(time_zone="America/New_York", group_by=("day",)))
    with pytest.raises(QueryError, match="cuts in two"):
        ledger.totals(Query(range=TimeRange(midnight, midnight + timedelta(hours=12))))
    with pytest.raises(QueryError, match="no hours"):
        ledger.groups(Query(group_by=("hour",)))


def test_few_rows_of_a_part_do_not_make_it_coarser() -> None:
    midnight = NINE.replace(hour=0)
    ledger = of_buckets(midnight, midnight + timedelta(days=1), NINE, NINE + timedelta(days=1))  # in two parts
    assert ledger.minutes == 60


def test_an_edge_beside_the_buckets_cuts_none() -> None:
    ledger = of_buckets(NINE)
    beside = TimeRange(NINE - timedelta(minutes=5), NINE + timedelta(hours=1, minutes=5))
    assert ledger.totals(Query(range=beside)).events == 1


def test_rows_are_shown_and_sorted_with_the_events_they_stand_for() -> None:
    ledger = of_buckets(NINE, NINE + timedelta(hours=1), prompt_tokens=5, region="eu")
    visible = ledger.visible_columns(Query())
    assert visible[:4] == ("start_time", "usage_type", "events", "prompt_tokens")
    assert visible[-1] == "region"
    assert {"end_time", "parameter_count", "email"}.isdisjoint(visible)
    assert ledger.visible_columns(Query(columns=("events", "model"))) == ("events",)
    assert column_of("region") in ledger.dimensions
    assert ledger.order(Query(sort=(SortKey("events", descending=True),), search="region:eu")).to_list() == [0, 1]
    assert ledger.order(Query(search="region:us")).to_list() == []


def test_numbers_of_events_are_exact_beyond_64_bits() -> None:
    many = 4 * 10**18
    ledger = of_buckets(NINE, NINE, NINE, NINE + timedelta(hours=1), events=many)
    assert ledger.totals(Query()).events == ledger.event_count == 4 * many
    assert ledger.totals(Query(search="text")).events == 4 * many
    assert [value.events for value in ledger.facets(Query())["usage_type"].values] == [4 * many]
    assert ledger.groups(Query(group_by=("hour",))).get_column("events").to_list() == [3 * many, many]
    assert bucket_totals(ledger.series(Query(), measure="events")) == [3 * many, many]
    assert bucket_totals(ledger.series(Query())) == [3 * many, many]  # without tokens it is about events, too
    with pytest.raises(QueryError, match="sums of events do not fit the 64 bits"):
        ledger.rollup(Query())


def test_an_empty_rollup_is_empty() -> None:
    ledger = RollupBuilder(EventTypes()).build()
    assert ledger.event_count == 0
    assert ledger.span() == TimeRange()
    assert ledger.series(Query()).starts == ()
