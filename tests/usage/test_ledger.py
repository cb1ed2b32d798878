"""Every answer of a ledger, against the slow and obvious one."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_reference import Event, Reference, Term, satisfies, sorted_rows
from usage_strategies import ZONES, bucket_totals, cases, event_lists, ledger_of, queries

from fwbill_tui.usage import combinations
from fwbill_tui.usage import ledger as ledgers
from fwbill_tui.usage.groups import drill_down
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import Condition, Query, QueryError, SortKey, TimeRange
from fwbill_tui.usage.zones import end_of_day, start_of_day

Case = tuple[Ledger, Reference, Query, list[Term]]
AT = datetime(2026, 10, 1, 9, 2, 24, tzinfo=UTC)
FILTERED = settings(max_examples=100, deadline=None)

pytestmark = pytest.mark.usefixtures("way")


@pytest.fixture(scope="module", params=["combinations", "frames over time", "frames"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Few combinations of labels are added up as Python values, many by Polars: the answers are the same."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "frames":
            patch.setattr(ledgers, "MOST", -1)
        elif request.param == "frames over time":
            patch.setattr(combinations, "MOST_CELLS", -1)
        yield request.param


def event(**values: Any) -> Event:
    return {"start_time": AT, "usage_type": "TEXT", **values}


def facets_of(ledger: Ledger, query: Query) -> dict[str, list[tuple[str, int, bool, bool]]]:
    return {
        dimension: [(value.value, value.events, value.chosen, value.excluded) for value in facet.values]
        for dimension, facet in ledger.facets(query).items()
    }


def in_utc(key: Any) -> Any:
    """Zoned times that differ only in their offset are equal to Python; as UTC times they are not."""
    return key.astimezone(UTC) if isinstance(key, datetime) else key


def groups_of(ledger: Ledger, query: Query) -> dict[tuple[Any, ...], dict[str, Any]]:
    keys = len(query.group_by)
    frame = ledger.groups(query)
    rows = {tuple(map(in_utc, row[:keys])): dict(zip(frame.columns[keys:], row[keys:], strict=True)) for row in frame.iter_rows()}
    assert len(rows) == frame.height, "a group appears once"
    return rows


# -- totals, rows, facets ----------------------------------------------------------------------------------------------
@FILTERED
@given(cases())
def test_totals_facets_and_rows_are_those_of_the_reference(case: Case) -> None:
    ledger, reference, query, terms = case
    ledger.check(query)
    totals = ledger.totals(query)
    assert {**totals._asdict(), "total_tokens": totals.total_tokens} == reference.sums(reference.shown(query, terms))
    unfiltered = replace(query, only=(), without=(), search="", where=())
    assert ledger.whole(query)._asdict() == ledger.totals(unfiltered)._asdict()
    assert facets_of(ledger, query) == reference.facets(query, terms)
    assert list(ledger.facets(query)) == list(ledger.dimensions)
    assert ledger.order(query).to_list() == reference.order(query, terms)


@settings(max_examples=40, deadline=None)
@given(cases(big=True, grouped=True))
def test_sums_beyond_64_bits_are_exact(case: Case) -> None:
    ledger, reference, query, terms = case
    totals = ledger.totals(query)
    assert {**totals._asdict(), "total_tokens": totals.total_tokens} == reference.sums(reference.shown(query, terms))
    assert groups_of(ledger, query) == reference.groups(query, terms)


@settings(max_examples=20, deadline=None)
@given(cases(), st.data())
def test_a_used_ledger_answers_like_a_fresh_one(case: Case, data: st.DataObject) -> None:
    ledger, reference, _, _ = case
    fields = ledger.further
    dimensions = [name for name in fields if name in ledger.dimensions]
    strategy = queries(further=fields, groups=("model", "day", "hour", *dimensions))
    asked = [data.draw(strategy) for _ in range(3)]
    first, terms = asked[0]
    relatives = [  # near misses of the first query, which a careless cache would mix up
        (replace(first, only=first.without, without=first.only), terms),
        (replace(first, range=TimeRange()), terms),
        (replace(first, time_zone="Asia/Kathmandu"), terms),
        (replace(first, search=""), []),
        (replace(first, where=(Condition("prompt_tokens", ">", 2),)), terms),
        (replace(first, where=(Condition("prompt_tokens", ">=", 2),)), terms),
    ]
    for query, words in [*asked, *relatives, *asked]:
        rows = reference.shown(query, words)
        assert ledger.totals(query).events == len(rows)
        assert facets_of(ledger, query) == reference.facets(query, words)
        assert groups_of(ledger, query) == reference.groups(query, words)
        assert sum(map(sum, ledger.series(query, measure="events").values)) == len(rows)
        assert ledger.order(query).to_list() == reference.order(query, words)


def test_a_choice_and_an_exclusion_of_an_unknown_dimension_are_not_confused() -> None:
    ledger = ledger_of([event()])
    assert ledger.totals(Query(only=(("nope", ("x",)),))).events == 0
    assert ledger.totals(Query(without=(("nope", ("x",)),))).events == 1
    with pytest.raises(QueryError, match="no dimension 'nope'"):
        ledger.check(Query().choose("nope", ["x"]))


def usual(group_by: tuple[str, ...]) -> list[SortKey]:
    by_events = SortKey("events", descending=True)
    if group_by[0] not in ("hour", "day", "month"):
        return [by_events]
    return [SortKey(group_by[0])] + [by_events] * (len(group_by) - 1)


@FILTERED
@given(cases(grouped=True))
def test_groups_are_those_of_the_reference(case: Case) -> None:
    ledger, reference, query, terms = case
    frame = ledger.groups(query)
    expected = reference.groups(query, terms)
    assert groups_of(ledger, query) == expected
    rows = [dict(zip(query.group_by, key, strict=True)) | sums for key, sums in expected.items()]
    named = {"base_model_name": "model", "model_bucket": "bucket", "email": "user", "accelerator_type": "accelerator"}
    keys = [SortKey(named.get(key.column, key.column), key.descending) for key in query.sort]
    keys = [key for key in keys if key.column in frame.columns] or usual(query.group_by)
    ordered = sorted_rows(rows, range(len(rows)), [*keys, *(SortKey(name) for name in query.group_by)])
    answered = [{name: in_utc(value) for name, value in row.items()} for row in frame.rows(named=True)]
    assert answered == [rows[row] for row in ordered]


@settings(max_examples=40, deadline=None)
@given(cases(grouped=True))
def test_drilling_into_each_group_shows_its_events(case: Case) -> None:
    ledger, _, query, _ = case
    for row in ledger.groups(query).rows(named=True)[:6]:
        inside = drill_down(query, row)
        assert ledger.totals(inside).events == row["events"]
        assert len(ledger.order(inside)) == row["events"]


def test_conditions_on_counts_are_exact_at_every_edge() -> None:
    most = 2**63 - 1
    values = [None, -most - 1, -3, -2, -1, 0, 1, 2, 3, 2**53, 2**53 + 1, most]
    events = [event(prompt_tokens=value, completion_tokens=other) for value in values for other in (None, -2, 0, most)]
    ledger = ledger_of(events)
    small = ledger_of(few := [row for row in events if {row["prompt_tokens"], row["completion_tokens"]} <= {None, -2, 0, 1, 2}])
    numbers = [-2.5, -2, -0.5, 0, 0.5, 2, 2.5, 2.0**53, 2**53 + 1, most, 2.0**63, 2**64, 2 * most, -(2**63), -(2**65), 1e300]
    for measure in ("prompt_tokens", "total_tokens"):
        for number in numbers:
            for operator in ("<", "<=", "=", "!=", ">=", ">"):
                condition = Condition(measure, operator, number)  # type: ignore[arg-type]
                query = Query(sort=(), where=(condition,))
                for asked, rows in ((ledger, events), (small, few)):
                    expected = [row for row, one in enumerate(rows) if satisfies(one, condition)]
                    assert asked.order(query).to_list() == expected, condition


# -- time ----------------------------------------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(
    cases(), st.sampled_from(["usage_type", "model", "user"]),
    st.sampled_from(["events", "total_tokens", "prompt_tokens", "accelerator_seconds"]), st.integers(1, 4),
)  # fmt: skip
def test_series_has_contiguous_buckets_and_adds_up_to_the_totals(
    case: Case, dimension: str, measure: str, limit: int
) -> None:  # fmt: skip
    ledger, reference, query, terms = case
    series = ledger.series(query, dimension, measure=measure, limit=limit)
    rows = reference.shown(query, terms)
    assert sum(map(sum, series.values)) == reference.sums(rows)[series.measure]
    assert len(series.names) == len(set(series.names)) <= limit + 1
    assert None not in series.names[:limit]
    assert all(len(values) == len(series.starts) for values in series.values)
    per_bucket = dict.fromkeys(map(in_utc, series.starts), 0)
    for row in rows:
        per_bucket[reference.key(series.unit, reference.events[row], query.time_zone)] += reference.sums([row])[series.measure]
    assert bucket_totals(series) == list(per_bucket.values())
    named = dict(zip(series.names, series.values, strict=True))
    for name, values in named.items():
        if name is not None:
            mine = [row for row in rows if (reference.key(dimension, reference.events[row], "UTC") or "") == name]
            assert sum(values) == reference.sums(mine)[series.measure]
    if series.unit == "day" and series.starts:
        assert [start.toordinal() for start in series.starts] == list(
            range(series.starts[0].toordinal(), series.starts[-1].toordinal() + 1)
        )
    else:
        assert list(per_bucket) == sorted(per_bucket)


@settings(max_examples=40, deadline=None)
@given(event_lists(), st.sampled_from(ZONES), st.sampled_from([SortKey("start_time")]))
def test_single_local_days_add_up_to_the_range(events: list[Event], zone: str, key: SortKey) -> None:
    ledger = ledger_of(events)
    days = sorted({row["start_time"].astimezone(ZoneInfo(zone)).date() for row in events})
    counted = 0
    by_day = {key[0]: sums for key, sums in groups_of(ledger, Query(time_zone=zone, group_by=("day",))).items()}
    for day in days:
        query = Query(range=TimeRange(start_of_day(day, zone), end_of_day(day, zone)), time_zone=zone)
        assert ledger.totals(query).events == by_day[day]["events"]
        assert ledger.totals(query).total_tokens == by_day[day]["total_tokens"]
        counted += len(ledger.order(query))
    assert counted == len(events)


@pytest.mark.parametrize(
    ("zone", "first", "starts"),
    [
        # New York shows 01:00–02:00 twice on 2026-11-01: 05:00–06:00 and 06:00–07:00 UTC.
        ("America/New_York", "2026-11-01 04:00Z", ["00:00-04:00", "01:00-04:00", "01:00-05:00", "02:00-05:00"]),
        # Lord Howe's clocks go back by half an hour at 02:00, and forward by half an hour at 02:00.
        ("Australia/Lord_Howe", "2026-04-04 14:00Z", ["01:00+11:00", "01:30+10:30", "02:00+10:30", "03:00+10:30"]),
        ("Australia/Lord_Howe", "2026-10-03 14:30Z", ["01:00+10:30", "02:30+11:00", "03:00+11:00", "04:00+11:00"]),
    ],
)
def test_hours_of_a_night_on_which_the_clocks_change(zone: str, first: str, starts: list[str]) -> None:
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    events = [event(start_time=begin + timedelta(minutes=15 * step)) for step in range(16)]
    ledger = ledger_of(events)
    query = Query(time_zone=zone, group_by=("hour",), sort=(SortKey("hour"),))
    groups = ledger.groups(query)
    said = [hour.isoformat()[11:16] + hour.isoformat()[-6:] for hour in groups["hour"]]
    assert said[:4] == starts
    assert groups["events"].sum() == 16
    series = ledger.series(replace(query, range=TimeRange(begin, begin + timedelta(hours=4))), measure="events")
    assert (series.unit, list(map(in_utc, series.starts))) == ("hour", list(map(in_utc, groups["hour"])))
    assert bucket_totals(series) == groups["events"].to_list()


def test_apia_has_no_thirtieth_of_december() -> None:
    before, after = datetime(2011, 12, 30, 9, 59, tzinfo=UTC), datetime(2011, 12, 30, 10, tzinfo=UTC)
    ledger = ledger_of([event(start_time=before), event(start_time=after)])
    groups = ledger.groups(Query(time_zone="Pacific/Apia", group_by=("day",), sort=(SortKey("day"),)))
    assert groups["day"].to_list() == [date(2011, 12, 29), date(2011, 12, 31)]


def test_a_range_may_lie_beside_the_events() -> None:
    ledger = ledger_of([event(prompt_tokens=3)])
    for beside in (TimeRange(AT + timedelta(days=9)), TimeRange(end=AT - timedelta(days=9)), TimeRange(end=AT)):
        query = Query(range=beside, group_by=("day",))
        assert ledger.totals(query).events == 0
        assert ledger.order(query).to_list() == []
        assert ledger.groups(query).height == 0
        assert sum(bucket_totals(ledger.series(query))) == 0
    days = ledger.series(Query(range=TimeRange(AT - timedelta(days=2), AT + timedelta(days=2))))
    assert [start.day for start in days.starts] == [29, 30, 1, 2, 3]
    assert bucket_totals(days) == [0, 0, 3, 0, 0]


def test_an_unknown_time_zone_is_a_plain_error() -> None:
    for name in ("Mars/Olympus", "Factory", "../etc/passwd"):
        with pytest.raises(QueryError, match="time zone"):
            ledger_of([event()]).check(Query(time_zone=name))


# -- the first rows ------------------------------------------------------------------------------------------------------
@settings(max_examples=80, deadline=None)
@given(cases(), st.integers(0, 30))
def test_first_rows_are_the_beginning_of_the_order(case: Case, count: int) -> None:
    ledger, _, query, _ = case
    fresh = ledger.first_rows(query, count)
    whole = ledger.order(query)
    ledger.order(Query(sort=query.sort))  # the whole order is known from now on
    first = ledger.first_rows(query, count)
    assert fresh.dtype == first.dtype == whole.dtype == pl.UInt32
    assert fresh.to_list() == first.to_list() == whole.to_list()[:count]


def test_first_rows_of_a_known_order_find_a_needle_in_a_haystack() -> None:
    height = 900_000
    small = ledger_of([event(prompt_tokens=0)])
    events = small.events.select(pl.all().gather(pl.repeat(0, height))).with_columns(prompt_tokens=pl.int_range(height))
    ledger = Ledger(events, small._hourly, rolled=small.rolled)
    ledger.order(Query(sort=()))
    needle = Query(sort=(), where=(Condition("prompt_tokens", "=", height - 1),))
    assert ledger.first_rows(needle, 5).to_list() == [height - 1]
    early = Query(sort=(), where=(Condition("prompt_tokens", "<", 3),))
    assert ledger.first_rows(replace(early, where=(Condition("prompt_tokens", ">=", 40_000),)), 2).to_list() == [40_000, 40_001]
    assert ledger.first_rows(early, 2).to_list() == [0, 1]
    assert ledger.order(needle).to_list() == [height - 1]


# -- odd ledgers ---------------------------------------------------------------------------------------------------------
def test_nothing_is_answered_with_nothing() -> None:
    ledger = ledger_of([])
    query = Query(group_by=("model", "day"), search="kimi", where=(Condition("prompt_tokens", ">", 1),))
    for asked in (query, Query(group_by=("hour",)), Query(group_by=("user",), time_zone="Asia/Kolkata")):
        assert ledger.totals(asked) == ledger.whole(asked)
        assert ledger.totals(asked).events == 0
        assert ledger.groups(asked).height == 0
        assert ledger.order(asked).to_list() == []
        assert ledger.series(asked).starts == ()
    assert ledger.span() == TimeRange()
    assert ledger.facets(Query())["model"].values == ()
    assert isinstance(ledger.totals(Query()).accelerator_seconds, float)


def test_several_threads_get_the_same_answers() -> None:
    events = [
        event(
            start_time=AT + timedelta(minutes=17 * row),
            prompt_tokens=row * 37 % 101,
            base_model_name=f"m{row % 7}",
            note=f"n{row}",
        )
        for row in range(400)
    ]
    asked = [
        Query(search=search, time_zone=zone, sort=(SortKey("prompt_tokens", descending),), group_by=("model", "hour"))
        for search in ("", "m1", "n7", "-m2")
        for zone in ZONES[:3]
        for descending in (True, False)
    ]

    def answer(ledger: Ledger, query: Query) -> tuple[Any, ...]:
        return (
            ledger.totals(query),
            ledger.facets(query),
            ledger.series(query),
            ledger.groups(query).rows(),
            ledger.order(query).to_list(),
        )

    limits = {"most_labels": 20}
    expected = [answer(ledger_of(events, ["note"], **limits), query) for query in asked]
    shared = ledger_of(events, ["note"], **limits)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda query: answer(shared, query), asked * 2)) == expected * 2


def test_more_labels_than_16_bits_hold() -> None:
    number = 66_000
    events = [event(email=f"user-{row * 7919 % number}@acme.dev") for row in range(number)]
    ledger = ledger_of(events)
    assert ledger.totals(Query(search="user-6599")).events == 11
    assert len(ledger.facets(Query().choose("user", ["user-5@acme.dev"]))["user"].values) == number
    order = ledger.order(Query(sort=(SortKey("email", descending=True),)))
    last = ledger.events["email"].cast(pl.String).gather(order.head(3))
    assert last.to_list() == sorted((row["email"] for row in events), reverse=True)[:3]
    assert bucket_totals(ledger.series(Query(), "user", measure="events", limit=2)) == [number]


# -- what the ledger says of itself --------------------------------------------------------------------------------------
def test_visible_columns_leave_out_what_is_empty_until_asked_for() -> None:
    ledger = ledger_of([event(prompt_tokens=0, tag="blue"), event()], ["tag"])
    assert ledger.visible_columns(Query()) == ("start_time", "usage_type", "prompt_tokens", "tag")
    assert ledger.visible_columns(Query(columns=("email", "start_time"))) == ("email", "start_time")
    with pytest.raises(QueryError, match="no column 'prompt'"):
        ledger.check(Query(columns=("prompt",)))


def test_values_that_name_nothing_are_told() -> None:
    ledger = ledger_of([event(email="ana@acme.dev")])
    query = Query().choose("user", ["ana@acme.dev", "bo*", ""]).exclude("model", ["kimi", ""])
    assert ledger.unmatched(query) == (("user", ""), ("user", "bo*"), ("model", "kimi"))


def test_check_refuses_what_these_events_do_not_have() -> None:
    ledger = ledger_of([event(tag="blue")], ["tag"])
    ledger.check(Query(sort=(SortKey("tag"), SortKey("events"), SortKey("day")), group_by=("tag", "day")).choose("tag", ["red"]))
    for wrong, words in [
        (Query(group_by=("week",)), "cannot group by 'week'"),
        (Query(sort=(SortKey("cost"),)), "cannot sort by 'cost'"),
        (Query(search="/(/"), "not a regular expression"),
    ]:
        with pytest.raises(QueryError, match=words):
            ledger.check(wrong)
    with pytest.raises(QueryError, match="no grouping"):
        ledger.groups(Query())


def test_a_ledger_is_freed_as_soon_as_nobody_has_it() -> None:
    ledger = ledger_of([event(model="kimi"), event()])
    query = Query(search="text", sort=(SortKey("email"),))
    ledger.check(query)
    for ask in (ledger.totals, ledger.facets, ledger.series, ledger.order):
        ask(query)
    ledger.groups(replace(query, group_by=("model",)))
    gone = weakref.ref(ledger)
    gc.disable()
    try:
        del ledger, ask
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("users", [1, 1500])  # few combinations are added up in Python
def test_a_measure_that_is_zero_throughout_gives_way_to_gpu_time_then_events(users: int) -> None:
    def used(kind: str, **measures: float) -> list[Event]:
        return [{"start_time": AT, "usage_type": kind, "email": f"user-{user}", **measures} for user in range(users)]

    ledger = ledger_of([*used("TEXT", prompt_tokens=3), *used("GPU", accelerator_seconds=1800.5), *used("FREE")])
    for kinds, measure, shown, each in [
        ([], "total_tokens", "total_tokens", 3),
        ([], "completion_tokens", "accelerator_seconds", 1800.5),
        (["GPU"], "total_tokens", "accelerator_seconds", 1800.5),
        (["FREE"], "total_tokens", "events", 1),
        (["TEXT"], "accelerator_seconds", "events", 1),
        (["TEXT", "GPU"], "events", "events", 2),
    ]:
        series = ledger.series(Query().choose("usage_type", kinds), measure=measure)
        assert (series.measure, bucket_totals(series)) == (shown, [each * users]), (kinds, measure)


def test_a_series_over_more_days_than_any_chart_has_leaves_nothing_out() -> None:
    times = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)]
    ledger = ledger_of([{"start_time": time, "usage_type": "T", "prompt_tokens": 10**place} for place, time in enumerate(times)])
    series = ledger.series(Query())
    assert sum(map(sum, series.values)) == 111
    assert series.step == 3
    assert (series.starts[0], series.values[0][0], series.values[0][-1]) == (date(1970, 1, 1), 1, 100)
    place = next(index for index, value in enumerate(series.values[0]) if value == 10)
    assert 0 <= (date(2026, 10, 10) - series.starts[place]).days < 3  # type: ignore[operator]
