"""A ledger of events on disk answers as the one that holds them in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_reference import COLUMN, Event
from usage_strategies import event_lists, frame_of, queries

from fwbill_tui.files.inputs import expand
from fwbill_tui.files.reading import read_inputs
from fwbill_tui.files.spool import Spool
from fwbill_tui.files.stored import StoredRows
from fwbill_tui.sources.streaming import StreamingBuilder
from fwbill_tui.usage import lazy_ledger, sorted_scan
from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.lazy_ledger import EventsNotKeptError, LazyLedger
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import Condition, Query, QueryError, SortKey, TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

AT = datetime(2026, 10, 1, 9, 2, 24, tzinfo=UTC)
LIMITS = {"most_labels": 10, "most_rolled": 3}


@contextmanager
def small_parts(page: int = 6, part: int = 3, sample: int = 5) -> Iterator[None]:
    """Pages, parts and samples so small that a few events need several."""
    with (
        patch.object(lazy_ledger, "PAGE", page),
        patch.object(lazy_ledger, "_PART", part),
        patch.object(sorted_scan, "_SAMPLE", sample),
    ):
        yield


def both(batches: Sequence[Batch], types: EventTypes, **limits: int) -> tuple[Ledger, LazyLedger]:
    held, streamed = LedgerBuilder(types, **limits), StreamingBuilder(types, StoredRows(Spool()), **limits)
    for batch in batches:
        held.add(batch)
        streamed.add(batch)
    return held.build(), streamed.build()


def assert_same_answers(held: Ledger, lazy: LazyLedger, query: Query) -> None:
    assert lazy.totals(query)._asdict() == held.totals(query)._asdict()
    assert lazy.facets(query) == held.facets(query)
    assert lazy.series(query, "user") == held.series(query, "user")
    assert lazy.unmatched(query) == held.unmatched(query)
    assert lazy.visible_columns(query) == held.visible_columns(query)
    if query.group_by:
        assert lazy.groups(query).equals(held.groups(query))
    expected = held.events[held.order(query)]
    columns = held.events.columns
    frames = [frame for frame in lazy.frames(query, columns) if frame.height]
    assert all(frame.columns == columns for frame in frames)
    assert as_text(pl.concat(frames) if frames else expected.clear()).equals(as_text(expected))
    assert as_text(lazy.page(query)).equals(as_text(expected.head(lazy_ledger.PAGE)))


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String), pl.col(pl.Int32).cast(pl.Int64))


@st.composite
def batches_and_query(draw: st.DrawFn) -> tuple[list[list[Event]], tuple[str, ...], Query]:
    further = draw(st.sampled_from([(), ("tag",), ("tag", "note")]))
    lists = draw(st.lists(event_lists(further=further, most=12), min_size=1, max_size=3))
    groups = [*COLUMN, *(name for name in further if name == "tag"), "hour", "day", "month"] if draw(st.booleans()) else []
    query, _ = draw(queries(further=further, groups=groups))
    if "note" in further:
        lists[-1] += [{"start_time": AT, "usage_type": "TEXT", "note": f"note {number}"} for number in range(11)]
    if "tag" in further:
        lists[0].append({"start_time": AT, "usage_type": "TEXT", "tag": "blue"})
    return lists, further, query


@settings(max_examples=60, deadline=None)
@given(batches_and_query(), st.booleans())
def test_every_answer_is_that_of_a_ledger_in_memory(case: tuple[list[list[Event]], tuple[str, ...], Query], small: bool) -> None:
    lists, further, query = case
    types = EventTypes()
    held, lazy = both([Batch(frame_of(events, types, further)) for events in lists], types, **LIMITS)
    assert as_text(lazy.events).schema == as_text(held.events).schema
    assert lazy.events.is_empty()
    assert (lazy.span(), lazy.empty_columns) == (held.span(), held.empty_columns)
    assert (lazy.dimensions, lazy.event_count) == (held.dimensions, held.event_count)
    if small:
        with small_parts():
            assert_same_answers(held, lazy, query)
    else:
        assert_same_answers(held, lazy, query)


def event(number: int, **values: Any) -> Event:
    at = AT.replace(day=1 + number % 28, hour=number % 24)
    row = {"start_time": at, "usage_type": "TEXT", "prompt_tokens": number % 7, "email": f"user{number % 5}@acme.dev"}
    return row | {"accelerator_seconds": None if number % 3 else number / 4} | values


SORTS = [
    (SortKey("prompt_tokens", descending=True),),
    (SortKey("email"), SortKey("start_time", descending=True)),
    (SortKey("usage_type", descending=True), SortKey("accelerator_seconds")),
    (SortKey("accelerator_seconds", descending=True), SortKey("email", descending=True)),
    (),
]


@pytest.mark.parametrize("sort", SORTS, ids=str)
@pytest.mark.parametrize("sample", [3, 20, 1000])
def test_a_sort_in_parts_is_exact_whatever_the_sample_met(sort: tuple[SortKey, ...], sample: int) -> None:
    types = EventTypes()
    batches = [Batch(frame_of([event(number) for number in range(first, first + 50)], types)) for first in range(0, 400, 50)]
    held, lazy = both(batches, types)
    with small_parts(page=60, part=30, sample=sample):
        assert_same_answers(held, lazy, Query(sort=sort))
        assert_same_answers(held, lazy, Query(sort=sort, where=(Condition("prompt_tokens", "<", 4),)))


@pytest.mark.parametrize("name", ["sampled", "value", "rows", "row", "index"])
def test_a_column_may_be_called_anything(name: str) -> None:
    types = EventTypes()
    held, lazy = both(
        [Batch(frame_of([event(number, **{name: f"n{number % 9}"}) for number in range(200)], types, [name]))], types
    )
    with small_parts(page=60, part=30, sample=20):
        assert_same_answers(held, lazy, Query(sort=(SortKey(name, descending=True),)))


# -- Parquet files, read where they are --------------------------------------------------------------------------------
def opened(*files: Path) -> tuple[Ledger, LazyLedger, StoredRows]:
    types, rows = EventTypes(), StoredRows(Spool())
    held, streamed = LedgerBuilder(types), StreamingBuilder(types, rows)
    for batch in read_inputs(expand([str(file) for file in files]), types=types):
        held.add(batch)
        streamed.add(batch)
    return held.build(), streamed.build(), rows


def plain(count: int) -> pl.DataFrame:
    return as_text(frame_of([event(number) for number in range(count)], EventTypes()))


def test_parquet_files_stay_where_they_are(tmp_path: Path) -> None:
    for number in range(3):
        plain(40 + number).write_parquet(tmp_path / f"{number}.parquet")
    held, lazy, rows = opened(tmp_path)
    assert rows.spool.folder is None
    assert lazy.event_count == 123
    with small_parts(page=20, part=10):
        for sort in SORTS:
            assert_same_answers(held, lazy, Query(sort=sort, search="user3"))


def test_parquet_of_other_types_is_cast_where_it_is(tmp_path: Path) -> None:
    frame = plain(30)
    odd = frame.select(
        pl.col("start_time").dt.replace_time_zone(None).dt.cast_time_unit("ns"),
        pl.col("usage_type").cast(pl.Enum(["TEXT"])).alias("Usage_Type "),
        pl.col("email").cast(pl.Categorical),
        pl.col("accelerator_seconds").cast(pl.Float32),
        pl.col("completion_tokens").cast(pl.Int16),
        pl.lit("blue").alias("team"),
    )
    odd.rename({"Usage_Type ": "usage_type"}).write_parquet(tmp_path / "odd.parquet")
    frame.with_columns(pl.col("start_time").dt.convert_time_zone("Asia/Kolkata")).write_parquet(tmp_path / "zoned.parquet")
    held, lazy, rows = opened(tmp_path / "odd.parquet", tmp_path / "zoned.parquet")
    assert rows.spool.folder is None
    assert lazy.further == ("team",)
    assert_same_answers(held, lazy, Query(sort=(SortKey("start_time"),)))
    assert_same_answers(held, lazy, Query(group_by=("team",), where=(Condition("accelerator_seconds", ">", 2),)))


def test_only_batches_that_reading_changes_are_copied(tmp_path: Path) -> None:
    frame = plain(9)
    broken = frame.with_columns(start_time=pl.when(pl.int_range(pl.len()) != 4).then("start_time"))
    spoiled = frame.with_columns(
        accelerator_seconds=pl.when(pl.int_range(pl.len()) != 4).then("accelerator_seconds").otherwise(float("nan"))
    )
    blank = frame.with_columns(email=pl.lit(""))
    with patch("fwbill_tui.files.parquet_reader._BATCH_ROWS", 3):
        for number, part in enumerate((frame, broken, frame, spoiled, blank)):
            part.write_parquet(tmp_path / f"{number}.parquet", row_group_size=3)
        held, lazy, rows = opened(tmp_path)
    assert lazy.rejected == held.rejected == 2
    assert rows.spool.folder is not None
    assert_same_answers(held, lazy, Query(sort=()))
    assert_same_answers(held, lazy, Query(where=(Condition("uncached_prompt_tokens", "=", 1),)))


def test_fewer_rows_on_disk_than_were_read_are_no_answer(tmp_path: Path) -> None:
    """As of an object that was replaced in its store, or where a thread of Polars failed."""
    plain(20).write_parquet(tmp_path / "a.parquet")
    _, lazy, _ = opened(tmp_path / "a.parquet")
    whole = lazy._scan
    assert whole is not None
    lazy._scan = lambda condition: whole(condition).head(7)
    for query in (Query(), Query(sort=(SortKey("prompt_tokens"),))):
        with pytest.raises(QueryError, match=r"not those that were read \(7 of 20\): open the files again"):
            lazy.page(query)
        with pytest.raises(QueryError, match="open the files again"):
            list(lazy.frames(query, ["email"]))


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    plain(10).write_parquet(file := tmp_path / "usage.parquet")
    _, lazy, _ = opened(file)
    assert lazy.page(Query()).height == 10
    plain(12).write_parquet(file)
    with pytest.raises(QueryError, match=r"usage\.parquet has changed"):
        lazy.page(Query(sort=(SortKey("email"),)))
    file.unlink()
    with pytest.raises(QueryError, match="open the files again"):
        lazy.totals(Query(where=(Condition("prompt_tokens", ">", 1),)))
    assert lazy.totals(Query()).events == 10, "the rollup does not need the file"


# -- what is kept on disk ----------------------------------------------------------------------------------------------
def test_the_private_folder_goes_with_the_ledger(tmp_path: Path) -> None:
    types, rows = EventTypes(), StoredRows(Spool(tmp_path))
    builder = StreamingBuilder(types, rows)
    builder.add(Batch(frame_of([event(1), event(2)], types)))
    lazy = builder.build()
    folder = rows.spool.folder
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    assert rows.spool.size > 0
    del builder, rows
    gc.collect()
    assert lazy.page(Query()).height == 2, "a ledger keeps its rows"
    del lazy
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_without_rows_only_the_rollup_answers() -> None:
    types = EventTypes()
    builder = StreamingBuilder(types, None)
    builder.add(Batch(frame_of([event(1), event(2)], types)))
    lazy = builder.build()
    assert lazy.totals(Query(search="user2")).events == 1
    with pytest.raises(EventsNotKeptError):
        lazy.totals(Query(where=(Condition("prompt_tokens", ">", 1),)))
    with pytest.raises(EventsNotKeptError):
        lazy.totals(Query(range=TimeRange(AT)))
    with pytest.raises(EventsNotKeptError):
        lazy.page(Query())


def test_an_empty_ledger_answers() -> None:
    held, lazy = both([], EventTypes())
    assert_same_answers(held, lazy, Query())
    assert_same_answers(held, lazy, replace(Query(), group_by=("model", "day")))
