"""Sorting row numbers, against Polars' own sort of the whole frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.usage import first_rows as leading
from fwbill_tui.usage import near_rows as nearby
from fwbill_tui.usage import order as ordering
from fwbill_tui.usage import sort_codes
from fwbill_tui.usage.first_rows import first_rows
from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.near_rows import near_rows
from fwbill_tui.usage.order import arg_sort, mask, rows_where
from fwbill_tui.usage.query import SortKey

AT = datetime(2026, 10, 1, tzinfo=UTC)
WIDE = st.integers(-(2**63), 2**63 - 1)
COLUMNS: dict[str, tuple[pl.DataType, st.SearchStrategy[Any]]] = {
    "few": (pl.Int64(), st.integers(-2, 2)),
    "wide": (pl.Int64(), WIDE | st.integers(0, 3)),
    "edges": (pl.Int64(), st.sampled_from([-(2**63), 2**63 - 1, 0, -(2**62), 2**62, 2**61])),
    "float": (pl.Float64(), st.sampled_from([0.0, -0.0, 1.5, -1.5, math.nan, -math.nan, math.inf, -math.inf, 5e-324])),
    "second": (pl.Datetime("us", "UTC"), st.integers(-3, 3).map(lambda number: AT + timedelta(seconds=number))),
    "time": (pl.Datetime("us", "UTC"), st.integers(-(10**13), 10**13).map(lambda number: AT + timedelta(microseconds=number))),
    "text": (pl.String(), st.sampled_from(["", "a", "A", "ß", "é", "z", "\U0001f600", "\uffff"])),
    "label": (pl.String(), st.sampled_from(["b", "a", "A", "ß", "é", "a/b", "\U0001f600", "\uffff"])),
    "empty": (pl.Int64(), st.none()),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    height = draw(st.integers(0, 30))
    columns = {
        name: pl.Series(name, [draw(st.none() | values) for _ in range(height)], dtype=dtype)
        for name, (dtype, values) in COLUMNS.items()
    }
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.col("label").cast(pl.Categorical(pl.Categories("order", namespace="test", physical=pl.UInt16))))


KEYS = st.lists(st.builds(SortKey, st.sampled_from(sorted(COLUMNS)), st.booleans()), max_size=5)


def expected_order(frame: pl.DataFrame, keys: list[SortKey]) -> list[int]:
    """The order by Polars' own stable sort of the whole frame."""
    expected = frame.with_row_index("row")
    if keys:
        expected = expected.with_columns(pl.col("label").cast(pl.String)).sort(
            [key.column for key in keys],
            descending=[key.descending for key in keys],
            nulls_last=True,
            maintain_order=True,
        )
    return expected["row"].to_list()


def labels_of(frame: pl.DataFrame) -> dict[str, Labels]:
    return {"label": Labels("label", frame["label"])}


@contextmanager
def few_taken_for_many() -> Iterator[None]:
    """What is done with many rows (samples, parts, a look for the first ones) is done with a handful; samples miss a lot."""
    limits = [
        (sort_codes, "_FEW_ROWS", 0), (sort_codes, "_SAMPLE", 4), (sort_codes, "_FEW_VALUES", 3),
        (leading, "_FEW_ROWS", 0), (leading, "_MUCH", 0), (leading, "_SAMPLE", 4), (leading, "_SPARE", 1),
        (nearby, "_FEW_ROWS", 0), (nearby, "_MOST_ROWS", 3), (nearby, "_SPARE", 1),
        (ordering, "_FIRST_LOOK", 2),
    ]  # fmt: skip
    with ExitStack() as stack:
        for module, name, limit in limits:
            stack.enter_context(patch.object(module, name, limit))
        yield


@settings(max_examples=150, deadline=None)
@given(frames(), KEYS)
def test_the_order_is_that_of_polars(frame: pl.DataFrame, keys: list[SortKey]) -> None:
    expected = expected_order(frame, keys)
    order = arg_sort(frame, keys, labels_of(frame))
    assert order.dtype == pl.UInt32
    assert order.to_list() == expected
    with few_taken_for_many():
        order = arg_sort(frame, keys, labels_of(frame))
    assert order.dtype == pl.UInt32
    assert order.to_list() == expected


@settings(max_examples=150, deadline=None)
@given(frames(), KEYS, st.integers(0, 3) | st.integers(0, 35), st.none() | st.integers(0, 2**30 - 1), st.integers(0, 30))
def test_first_rows_are_the_head_of_the_order(
    frame: pl.DataFrame, keys: list[SortKey], count: int, bits: int | None, cut: int
) -> None:
    shown = None if bits is None else pl.Series([bits >> row & 1 == 1 for row in range(frame.height)], dtype=pl.Boolean)
    expected = expected_order(frame, keys)
    expected = expected if shown is None else [row for row in expected if shown[row]]
    chunked = pl.concat([frame[:cut], frame[cut:]], rechunk=False)  # as a load leaves them
    for some in (frame, chunked):
        with few_taken_for_many():
            first = first_rows(some, keys, labels_of(frame), count, shown)
        assert first.dtype == pl.UInt32
        assert first.to_list() == expected[:count]
    assert first_rows(chunked, keys, labels_of(frame), count, shown).to_list() == expected[:count]


@settings(max_examples=200, deadline=None)
@given(st.data(), frames(), KEYS, st.integers(0, 10), st.none() | st.integers(0, 2**30 - 1))
def test_near_rows_are_a_stretch_of_the_order(
    data: st.DataObject, frame: pl.DataFrame, keys: list[SortKey], around: int, bits: int | None
) -> None:
    shown = None if bits is None else pl.Series([bits >> row & 1 == 1 for row in range(frame.height)], dtype=pl.Boolean)
    expected = expected_order(frame, keys)
    expected = expected if shown is None else [row for row in expected if shown[row]]
    if not expected:
        return
    row = data.draw(st.sampled_from(expected))
    with few_taken_for_many():
        near = near_rows(frame, keys, labels_of(frame), row, around, shown)
        assert near is not None
    assert near.rows.dtype == pl.UInt32
    assert near.rows.to_list() == expected[near.begin : near.begin + len(near.rows)]
    assert expected[near.position] == row


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("row", [0, 5, 100_000, 200_002])
def test_near_rows_are_enough_for_a_screen_on_either_side(row: int, descending: bool) -> None:
    height = 200_003
    number = pl.int_range(height, eager=True)
    frame = pl.DataFrame({"wide": (number * 6_364_136_223_846_793_005) // 3, "few": number % 5})
    key = SortKey("wide", descending=descending)
    shown = number % 7 != 1
    near = near_rows(frame, [key], {}, row, 400, shown)
    assert near is not None
    whole = arg_sort(frame, [key], {})
    expected = whole.filter(shown.gather(whole))
    assert near.rows.equals(expected[near.begin : near.begin + len(near.rows)])
    assert expected[near.position] == row
    assert near.begin <= max(0, near.position - 400)
    assert near.begin + len(near.rows) >= min(len(expected), near.position + 400)
    assert len(near.rows) < 20_000
    few = near_rows(frame, [SortKey("few", descending=descending)], {}, row, 400)
    assert few is not None
    assert arg_sort(frame, [SortKey("few", descending=descending)], {})[few.position] == row


def test_many_rows_with_few_values_and_one_that_no_sample_meets() -> None:
    height = 200_003
    row = pl.int_range(height, eager=True)
    rare = (row == 77_777) | (row == 123_456)
    frame = pl.DataFrame(
        {
            "common": (row * 7919 % 13).set(rare, -(2**62)).set(row % 1000 == 0, None),
            "rare": pl.repeat(None, height, dtype=pl.Float64, eager=True).scatter([5, 77_777, 9], [1.5, -2.0, 1.5]),
            "wide": (row * 6_364_136_223_846_793_005) // 3,
        }
    )
    for keys in (
        [SortKey("common")], [SortKey("common", descending=True)], [SortKey("rare")], [SortKey("wide", descending=True)],
        [SortKey("common", descending=True), SortKey("wide")], [SortKey("rare", descending=True), SortKey("common")],
    ):  # fmt: skip
        expected = frame.with_row_index("row").sort(
            [key.column for key in keys], descending=[key.descending for key in keys], nulls_last=True, maintain_order=True
        )["row"]
        assert arg_sort(frame, keys, {}).equals(expected), keys
        for count in (1, 3, 400, 70_000):
            assert first_rows(frame, keys, {}, count).equals(expected.head(count)), (keys, count)
        shown = (frame["common"] != 3).fill_null(value=False)
        inside = expected.filter(shown.gather(expected))
        assert first_rows(frame, keys, {}, 400, shown).equals(inside.head(400)), keys


@pytest.mark.parametrize("name", ["rows", "value", "sampled", "count", "place", "index", "row", "time"])
def test_a_column_may_be_called_anything(name: str) -> None:
    row = pl.int_range(70_001, eager=True)
    frame = pl.DataFrame({name: row * 7919 % 1301 % 7, "other": row % 5})
    for keys in ([SortKey(name)], [SortKey(name, descending=True), SortKey("other")]):
        by, descending = [key.column for key in keys], [key.descending for key in keys]
        expected = frame.with_row_index("-").sort(by, descending=descending, maintain_order=True)["-"]
        assert arg_sort(frame, keys, {}).equals(expected)
        assert first_rows(frame, keys, {}, 400).equals(expected.head(400))


def test_many_rows_of_every_type_in_chunks() -> None:
    height = 300_007
    row = pl.int_range(height, eager=True)
    mixed = row * 7919 % 20_011 - 10_000
    zero, half_second = row % 1009 == 0, pl.lit(datetime(1960, 1, 1, 0, 0, 0, 500_000, UTC))
    frame = pl.DataFrame({"count": mixed}).with_columns(
        pl.when(row % 997 == 0).then(None).otherwise(pl.col("count")).cast(pl.Int32).alias("count"),
        wide=pl.when(row % 991 == 0).then(None).otherwise(pl.col("count") * 2**49),
        fraction=pl.when(zero).then(pl.when(row % 2 == 0).then(0.0).otherwise(-0.0)).otherwise(pl.col("count") / 7),
        text=pl.when(row % 983 == 0).then(None).otherwise(pl.format("é{}", pl.col("count"))),
        second=AT + pl.duration(seconds=pl.col("count")),
        later=AT + pl.duration(days=pl.col("count") + 10_000),  # seconds that 32 bits do not hold
        moment=pl.when(row == 77_777).then(half_second).otherwise(AT + pl.duration(seconds=pl.col("count"))),
        one=pl.lit(1.5),
    )
    frame = pl.concat([frame[start : start + 70_001] for start in range(0, height, 70_001)], rechunk=False)
    assert frame.n_chunks() > 1
    alone = [[SortKey(column, descending)] for column in frame.columns for descending in (False, True)]
    together = [
        [SortKey("second", descending=True), SortKey("count")], [SortKey("fraction"), SortKey("second", descending=True)],
        [SortKey("wide"), SortKey("one"), SortKey("count", descending=True)], [SortKey("moment"), SortKey("later")],
    ]  # fmt: skip
    for keys in alone + together:
        expected = frame.with_row_index("row").sort(
            [key.column for key in keys], descending=[key.descending for key in keys], nulls_last=True, maintain_order=True
        )["row"]
        order = arg_sort(frame, keys, {})
        assert order.equals(expected), keys
        assert order.n_chunks() == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 6), max_size=40), st.booleans(), st.booleans(), st.lists(st.integers(0, 40), max_size=3),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_times_that_are_sorted_already_or_nearly(
    numbers: list[int], ascending: bool, descending: bool, cuts: list[int], half: bool, other: bool
) -> None:
    times = [AT + timedelta(seconds=number) for number in sorted(numbers, reverse=not ascending)]
    schema = {"start_time": pl.Datetime("us", "UTC"), "other": pl.Int64(), "half": pl.Int64()}
    frame = pl.DataFrame([times, numbers, [number // 2 for number in numbers]], schema=schema)
    edges = sorted({0, len(times), *(cut for cut in cuts if cut < len(times))})
    if len(times):  # in several chunks, as a load leaves them
        frame = pl.concat([frame[start:end] for start, end in pairwise(edges)], rechunk=False)
    keys = [*([SortKey("half")] if half else []), SortKey("start_time", descending), *([SortKey("other")] if other else [])]
    expected = frame.with_row_index("row").sort(
        [key.column for key in keys], descending=[key.descending for key in keys], nulls_last=True, maintain_order=True
    )
    assert arg_sort(frame, keys, {}).to_list() == expected["row"].to_list()


@pytest.mark.parametrize("height", [0, 1, 2, 3, 255, 256, 257])
def test_row_numbers_of_every_size_fit(height: int) -> None:
    frame = pl.DataFrame({"key": [number % 3 for number in range(height)]}, schema={"key": pl.Int64})
    expected = sorted(range(height), key=lambda row: -(row % 3))
    assert arg_sort(frame, [SortKey("key", descending=True)], {}).to_list() == expected


@pytest.mark.parametrize("height", [0, 1, 100_000])
@pytest.mark.parametrize("value", [7, 2.5, "a", AT])
def test_values_that_are_all_equal_leave_the_rows_as_they_are(value: object, height: int) -> None:
    frame = pl.DataFrame({"key": pl.repeat(value, height, eager=True)})
    for descending in (False, True):
        assert arg_sort(frame, [SortKey("key", descending)], {}).equals(pl.int_range(height, dtype=pl.UInt32, eager=True))


@pytest.mark.parametrize("number", [1, 255, 256, 257])
def test_as_many_labels_as_a_byte_holds_or_not(number: int) -> None:
    texts = [f"label {row * 101 % number}" for row in range(600)]
    dtype = pl.Categorical(pl.Categories("bytes", namespace="test", physical=pl.UInt16))
    frame = pl.DataFrame({"label": pl.Series(texts, dtype=pl.String).cast(dtype)})
    for descending in (False, True):
        keys = [SortKey("label", descending)]
        expected = sorted(range(600), key=texts.__getitem__, reverse=descending)  # stable in both directions
        assert arg_sort(frame, keys, labels_of(frame)).to_list() == expected
        with few_taken_for_many():
            assert first_rows(frame, keys, labels_of(frame), 7).to_list() == expected[:7]


def test_many_keys_take_several_passes() -> None:
    height = 1000
    frame = pl.DataFrame({f"k{number}": [row * (number + 7919) % 2**33 % 99991 for row in range(height)] for number in range(9)})
    frame = frame.with_columns(pl.all() // 20_000)
    keys = [SortKey(column, number % 2 == 0) for number, column in enumerate(frame.columns)]
    expected = frame.with_row_index("row").sort(frame.columns, descending=[key.descending for key in keys], maintain_order=True)
    assert arg_sort(frame, keys, {}).to_list() == expected["row"].to_list()


def test_rows_where_a_condition_holds() -> None:
    for height in (0, 1, 3):
        frame = pl.DataFrame({"a": list(range(height))}, schema={"a": pl.Int64})
        assert rows_where(mask(frame, pl.lit(value=True))).to_list() == list(range(height))
        assert rows_where(mask(frame, pl.lit(value=False))).to_list() == []
        assert rows_where(mask(frame, pl.col("a") > 1)).to_list() == [row for row in range(height) if row > 1]


@pytest.mark.parametrize("every", [1, 2, 99, 101, 5000])
def test_rows_where_a_condition_holds_often_or_rarely(every: int) -> None:
    holds = pl.Series([row % every == 0 for row in range(10_000)])
    assert rows_where(holds).equals(pl.Series(range(0, 10_000, every), dtype=pl.UInt32))
    assert rows_where(~holds).to_list() == [row for row in range(10_000) if row % every]
