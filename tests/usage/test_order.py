"""Sorting row numbers, against Polars' own sort of the whole frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.order import arg_sort, mask, rows_where
from fwbill_tui.usage.query import SortKey

AT = datetime(2026, 10, 1, tzinfo=UTC)
WIDE = st.integers(-(2**63), 2**63 - 1)
COLUMNS: dict[str, tuple[pl.DataType, st.SearchStrategy[Any]]] = {
    "few": (pl.Int64(), st.integers(-2, 2)),
    "wide": (pl.Int64(), WIDE | st.integers(0, 3)),
    "edges": (pl.Int64(), st.sampled_from([-(2**63), 2**63 - 1, 0, -(2**62), 2**62, 2**61])),
    "float": (pl.Float64(), st.sampled_from([0.0, -0.0, 1.5, -1.5, float("nan"), float("inf"), -float("inf"), 5e-324])),
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


@settings(max_examples=120, deadline=None)
@given(frames(), st.lists(st.builds(SortKey, st.sampled_from(sorted(COLUMNS)), st.booleans()), max_size=5))
def test_the_order_is_that_of_polars(frame: pl.DataFrame, keys: list[SortKey]) -> None:
    order = arg_sort(frame, keys, {"label": Labels("label", frame["label"])})
    expected = frame.with_row_index("row")
    if keys:
        expected = expected.with_columns(pl.col("label").cast(pl.String)).sort(
            [key.column for key in keys],
            descending=[key.descending for key in keys],
            nulls_last=True,
            maintain_order=True,
        )
    assert order.dtype == pl.UInt32
    assert order.to_list() == expected["row"].to_list()


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


def test_many_keys_take_several_passes() -> None:
    height = 1000
    frame = pl.DataFrame({f"k{number}": [row * (number + 7919) % 2**33 % 99991 for row in range(height)] for number in range(9)})
    frame = frame.with_columns(pl.all() // 20_000)
    keys = [SortKey(column, number % 2 == 0) for number, column in enumerate(frame.columns)]
    expected = frame.with_row_index("row").sort(
        frame.columns, descending=[key.descending for key in keys], maintain_order=True
    )
    assert arg_sort(frame, keys, {}).to_list() == expected["row"].to_list()


def test_rows_where_a_condition_holds() -> None:
    for height in (0, 1, 3):
        frame = pl.DataFrame({"a": list(range(height))}, schema={"a": pl.Int64})
        assert rows_where(mask(frame, pl.lit(value=True))).to_list() == list(range(height))
        assert rows_where(mask(frame, pl.lit(value=False))).to_list() == []
        assert rows_where(mask(frame, pl.col("a") > 1)).to_list() == [row for row in range(height) if row > 1]
