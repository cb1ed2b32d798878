"""Times put together from kept texts read as a format would write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.export.utc_texts import FORM, with_utc_texts

_SECOND = 1_000_000
_seconds = st.none() | st.integers(0, 4_400_000_000).map(lambda second: second * _SECOND)
_ticks = st.integers(-62_000_000_000 * _SECOND, 253_000_000_000 * _SECOND)
_ends = st.sampled_from(["same", "same", "same", "same", "later", "none"])
_AT = datetime(2026, 10, 1, 9, 2, 24, tzinfo=UTC)


@given(st.lists(st.tuples(_seconds, _ends)), st.lists(_ticks, max_size=1))
def test_times_are_written_as_by_the_format(rows: list[tuple[int | None, str]], odd: list[int]) -> None:
    starts = [*(time for time, _ in rows), *odd]
    ends = [*({"same": time, "later": time and time + _SECOND, "none": None}[end] for time, end in rows), *odd]
    frame = pl.DataFrame({"start": starts, "end": ends, "text": "x"}, schema_overrides={"start": pl.Int64, "end": pl.Int64})
    frame = frame.with_columns(pl.col("start", "end").cast(pl.Datetime("us", "UTC")))
    before = frame.rows()
    assert with_utc_texts(frame).equals(frame.with_columns(pl.col("start", "end").dt.to_string(FORM)))
    assert frame.rows() == before


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_of_any_unit_are_written(unit: Literal["ms", "us", "ns"]) -> None:
    types = {"start": pl.Datetime(unit, "UTC"), "end": pl.Datetime("us", "UTC")}
    frame = pl.DataFrame({"start": [_AT], "end": [_AT]}, schema=types)
    assert with_utc_texts(frame).rows() == [("2026-10-01 09:02:24 UTC", "2026-10-01 09:02:24 UTC")]


def test_times_of_other_zones_are_left_alone() -> None:
    frame = pl.DataFrame({"local": [_AT]}, schema={"local": pl.Datetime("us", "Asia/Kolkata")})
    assert with_utc_texts(frame).equals(frame)
