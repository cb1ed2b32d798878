"""Building a ledger from batches: snapshots, further columns, rejects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_reference import Event, Reference
from usage_strategies import bucket_totals, event_lists, frame_of, ledger_of

from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.query import Query, SortKey
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

AT = datetime(2026, 10, 1, 9, tzinfo=UTC)


def event(**values: Any) -> Event:
    return {"start_time": AT, "usage_type": "TEXT", **values}


@settings(max_examples=60, deadline=None)
@given(event_lists(further=("tag", "note")), st.lists(st.integers(0, 25), max_size=5), st.integers(0, 4), st.integers(0, 4))
def test_snapshots_hold_what_was_added_so_far(events: list[Event], cuts: list[int], labels: int, rolled: int) -> None:
    builder = LedgerBuilder(types := EventTypes(), most_labels=labels, most_rolled=min(rolled, labels))
    edges = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    snapshots: list[tuple[int, Ledger]] = [(0, builder.build())]
    for start, end in pairwise(edges):
        part = events[start:end]
        present = [name for name in ("tag", "note") if any(row[name] is not None for row in part)]
        builder.add(Batch(frame_of(part, types, present)))
        snapshots.append((end, builder.build()))
    for height, ledger in snapshots:  # asked at the end: later batches must not have changed them
        seen = events[:height]
        free = [name for name in ("tag", "note") if name not in ledger.dimensions]
        reference = Reference(seen, [name for name in ("tag", "note") if name in ledger.further], free)
        assert ledger.events.columns[:13] == list(COLUMNS)
        assert ledger.totals(Query())._asdict() | {"total_tokens": 0} == reference.sums(range(height)) | {"total_tokens": 0}
        for query in (Query(sort=(SortKey("email"),)), Query().choose("usage_type", ["TEXT"])):
            answer = {
                dimension: [(value.value, value.events, value.chosen, value.excluded) for value in facet.values]
                for dimension, facet in ledger.facets(query).items()
            }
            assert answer == reference.facets(query)
            assert ledger.order(query).to_list() == reference.order(query)
        for name in ledger.further:
            assert ledger.events[name].cast(pl.String).to_list() == [row[name] for row in seen]


def test_a_column_that_turns_out_to_be_free_text_stops_being_a_dimension() -> None:
    builder = LedgerBuilder(types := EventTypes(), most_labels=5)
    builder.add(Batch(frame_of([event(request="r1"), event(request="r2")], types, ["request"])))
    early = builder.build()
    for start in range(0, 9, 3):
        builder.add(Batch(frame_of([event(request=f"q{start + step}") for step in range(3)], types, ["request"])))
    late = builder.build()
    assert ("request" in early.dimensions, "request" in late.dimensions) == (True, False)
    assert [value.events for value in early.facets(Query())["request"].values] == [1, 1]
    assert late.totals(Query(search="q")).events == 9
    assert late.totals(Query().choose("request", ["r1", "q8", "q"])).events == 2
    assert late.events["request"].dtype == pl.String
    assert ("request" in early.rolled, "request" in late.rolled) == (True, False)


def test_a_column_with_many_labels_still_has_a_facet_and_groups() -> None:
    ledger = ledger_of([event(tag=f"t{row % 4}", prompt_tokens=row) for row in range(10)], ["tag"], most_rolled=3)
    assert [(value.value, value.events) for value in ledger.facets(Query(search="-t1"))["tag"].values] == [
        ("t0", 3), ("t2", 2), ("t3", 2), ("t1", 0),
    ]  # fmt: skip
    assert ledger.groups(Query(group_by=("tag",)))["events"].to_list() == [3, 3, 2, 2]
    assert "tag" not in ledger.rolled


def test_a_column_named_like_one_of_our_own_words_is_kept_and_searched() -> None:
    names = ["user", "model", "day", "events", "bucket", "total_tokens", "hour"]
    ledger = ledger_of([event(email="ana", **{name: f"{name}-x" for name in names}), event(email="bo")], names)
    assert ledger.further == tuple(names)
    assert ledger.dimensions == ("usage_type", "model", "bucket", "user", "accelerator")
    assert [value.value for value in ledger.facets(Query())["user"].values] == ["ana", "bo"]
    assert ledger.totals(Query().choose("user", ["ana"])).events == 1
    assert ledger.totals(Query(search="user-x")).events == 1
    groups = ledger.groups(Query(group_by=("user", "day")))
    assert groups.columns[:3] == ["user", "day", "events"]
    assert sum(bucket_totals(ledger.series(Query(), "user", measure="events"))) == 2


def test_an_empty_text_is_an_empty_cell() -> None:
    builder = LedgerBuilder(types := EventTypes(), most_labels=1)
    rows = [event(email="", tag="", note=""), event(email="ana", tag="t", note="n1"), event(tag="t", note="n2")]
    builder.add(Batch(frame_of(rows, types, ["tag", "note"])))
    ledger = builder.build()
    facets = ledger.facets(Query())
    assert [(value.value, value.events) for value in facets["user"].values] == [("", 2), ("ana", 1)]
    assert [(value.value, value.events) for value in facets["tag"].values] == [("t", 2), ("", 1)]
    assert ledger.totals(Query().choose("note", [""])).events == 1
    assert ledger.groups(Query(group_by=("user",)))["user"].to_list() == [None, "ana"]


def test_identical_rows_all_count() -> None:
    ledger = ledger_of([event(prompt_tokens=5, email="ana")] * 7, cuts=[3])
    assert ledger.totals(Query()).prompt_tokens == 35
    assert ledger.order(Query()).to_list() == list(range(7))


def test_batches_without_rows() -> None:
    builder = LedgerBuilder(types := EventTypes())
    builder.add(Batch(frame_of([], types, ["tag"])))
    assert builder.build().totals(Query()).events == 0
    builder.add(Batch(frame_of([event(tag="t")], types, ["tag"])))
    builder.add(Batch(frame_of([], types)))
    ledger = builder.build()
    assert ledger.totals(Query().choose("tag", ["t"])).events == 1
    assert ledger.further == ("tag",)


def test_sums_that_would_overflow_in_a_batch_in_the_rollup_and_in_a_total() -> None:
    most = 2**63 - 1
    rows = [event(prompt_tokens=most, completion_tokens=most, start_time=AT + timedelta(hours=hour // 2)) for hour in range(8)]
    ledger = ledger_of(rows, cuts=[2, 4])
    totals = ledger.totals(Query())
    assert (totals.prompt_tokens, totals.total_tokens) == (8 * most, 16 * most)
    assert ledger.totals(Query(search="text")).prompt_tokens == 8 * most
    groups = ledger.groups(Query(group_by=("hour",)))
    assert groups["total_tokens"].to_list() == [4 * most] * 4
    assert bucket_totals(ledger.series(Query())) == [4 * most] * 4
    small = ledger_of([event(prompt_tokens=1)])
    assert small.groups(Query(group_by=("hour",))).schema["prompt_tokens"] == pl.Int64


def test_rejects_are_kept_up_to_a_limit_and_counted_beyond() -> None:
    builder = LedgerBuilder(types := EventTypes())
    rejects = tuple(Reject("f.csv", line, "start_time", "is no time", "x") for line in range(4_000))
    for _ in range(3):
        builder.add(Batch(frame_of([event()], types), rejects))
    builder.add(Batch(frame_of([], types), rejects[:1]))
    ledger = builder.build()
    assert (ledger.rejected, len(ledger.rejects), ledger.totals(Query()).events) == (12_001, 10_000, 3)


@pytest.mark.parametrize("name", ["naïve tag", "x.y", "a,b", "mask", "value", "row", "place", "start", "__dimension"])
def test_a_further_column_may_have_any_name(name: str) -> None:
    ledger = ledger_of([event(**{name: "a"}), event(**{name: "b"}), event()], [name])
    query = Query(sort=(SortKey(name, descending=True),), group_by=(name,), search="a")
    ledger.check(query)
    assert ledger.totals(query).events == 1
    assert ledger.order(Query(sort=(SortKey(name, descending=True),))).to_list() == [1, 0, 2]
    assert ledger.groups(Query(group_by=(name,)))[name].to_list() == ["a", "b", None]
    assert ledger.totals(Query().exclude(name, ["a", ""])).events == 1
    assert sum(bucket_totals(ledger.series(Query(), name, measure="events"))) == 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(-(2**31), 2**31), min_size=1, max_size=4), min_size=1, max_size=4))
def test_counts_take_32_bits_until_one_does_not_fit(batches: list[list[int]]) -> None:
    builder = LedgerBuilder(types := EventTypes())
    seen: list[int] = []
    before = builder.build()
    for counts in batches:
        builder.add(Batch(frame_of([event(prompt_tokens=count, completion_tokens=1) for count in counts], types)))
        seen += counts
        now = builder.build()
        fits = all(abs(count) < 2**31 for count in seen)
        assert now.events.schema["prompt_tokens"] == (pl.Int32 if fits else pl.Int64)
        assert now.events.schema["completion_tokens"] == pl.Int32
        assert now.events["prompt_tokens"].to_list() == seen
        assert now.totals(Query()).prompt_tokens == sum(seen)
        assert before.events["prompt_tokens"].to_list() == seen[: before.events.height]
        before = now


def test_a_column_that_only_a_part_without_events_has_is_there() -> None:
    builder = LedgerBuilder(types := EventTypes())
    builder.add(Batch(frame_of([event()], types)))
    builder.add(Batch(frame_of([], types, ["team"])))
    ledger = builder.build()
    ledger.check(Query(columns=("start_time", "team"), only=(("team", ("",)),)))
    assert ledger.totals(Query(only=(("team", ("",)),))).events == 1
