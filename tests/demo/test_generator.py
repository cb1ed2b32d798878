"""The generated usage: exact in number, the same every time and in every slicing, and believable."""

from __future__ import annotations

import csv
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from demo_support import END
from polars.testing import assert_frame_equal

from fwbill_tui.demo import cast
from fwbill_tui.demo.generator import DAYS, Plan, events, slices, write_csv
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import EventTypes


@pytest.fixture(scope="module")
def usage() -> pl.DataFrame:
    return events(60_000, end=END)


def test_frames_are_typed_for_a_load() -> None:
    types = EventTypes()
    frame = events(2_000, end=END, types=types)
    assert frame.schema == types.frame_schema()
    assert frame.n_chunks() == 1


@pytest.mark.parametrize("rows", [1_000, 1_001, 54_321, 400_000])
def test_number_of_events_is_exact_and_they_are_in_order(rows: int) -> None:
    frame = events(rows, end=END)
    assert frame.height == rows
    assert frame["start_time"].is_sorted()


@pytest.mark.parametrize("rows", [999, 10_000_001])
def test_number_of_events_has_limits(rows: int) -> None:
    with pytest.raises(ValueError, match="1,000 to 10,000,000"):
        Plan(rows)


def test_same_seed_rows_and_end_give_the_same_events() -> None:
    types = EventTypes()
    assert_frame_equal(events(5_000, seed=7, end=END, types=types), events(5_000, seed=7, end=END, types=types))


def test_another_seed_gives_other_events_not_the_same_ones_shifted() -> None:
    one, two = (events(5_000, seed=seed, end=END)["prompt_tokens"].drop_nulls() for seed in (7, 8))
    assert set(one.filter(one > 5_000)) & set(two.filter(two > 5_000)) != set(one.filter(one > 5_000))
    assert len(set(one.filter(one > 20_000)) & set(two)) < one.filter(one > 20_000).len() / 4


@pytest.mark.parametrize("slice_rows", [60, 777, 20_000])
def test_slicing_does_not_change_the_events(slice_rows: int) -> None:
    types = EventTypes()
    whole = events(5_000, end=END, types=types)
    parts = list(slices(5_000, end=END, types=types, slice_rows=slice_rows))
    assert_frame_equal(pl.concat(parts), whole)
    assert all(not part.is_empty() for part in parts)
    assert max(part.height for part in parts) <= slice_rows + 200


def test_windows_with_shared_edges_give_every_event_once() -> None:
    plan, types = Plan(20_000, end=END), EventTypes()
    edges = [plan.range.start, datetime(2026, 9, 1, 12, 34, 56, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), plan.range.end]
    parts = [plan.events(TimeRange(a, b), types=types) for a, b in itertools.pairwise(edges)]
    assert_frame_equal(pl.concat(parts), plan.events(types=types))
    for (start, end), part in zip(itertools.pairwise(edges), parts, strict=True):
        assert part["start_time"].min() >= start
        assert part["start_time"].max() < end


def test_range_outside_the_plan_is_empty() -> None:
    plan = Plan(1_000, end=END)
    before = TimeRange(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
    assert plan.events(before).shape == (0, len(COLUMNS))
    assert plan.events(TimeRange(plan.range.end, None)).is_empty()


def test_events_fill_ninety_days_up_to_the_end(usage: pl.DataFrame) -> None:
    days = usage["start_time"].dt.date()
    assert days.max() == END
    assert days.min() == END - timedelta(days=DAYS - 1)
    assert days.n_unique() == DAYS


@pytest.mark.parametrize("days", [30, 400, 1_000])
def test_events_fill_as_many_days_as_asked(days: int) -> None:
    plan = Plan(30_000, end=END, days=days)
    frame = plan.events()
    assert frame.height == 30_000
    assert frame["start_time"].dt.date().n_unique() == days
    assert plan.range.start.date() == END - timedelta(days=days - 1)


@pytest.mark.parametrize("days", [29, 1_001])
def test_number_of_days_has_limits(days: int) -> None:
    with pytest.raises(ValueError, match="30 to 1,000 days"):
        Plan(1_000, days=days)


def test_token_rows_and_machine_rows_fill_their_own_cells(usage: pl.DataFrame) -> None:
    machines = usage.filter(pl.col("accelerator_type").is_not_null())
    requests = usage.filter(pl.col("accelerator_type").is_null())
    tokens = ["prompt_tokens", "completion_tokens", "cached_prompt_tokens", "uncached_prompt_tokens"]
    assert machines.select(pl.col(tokens).null_count()).row(0) == (machines.height,) * 4
    assert machines.filter(pl.col("accelerator_seconds") <= 0).is_empty()
    assert machines.filter(pl.col("end_time") <= pl.col("start_time")).is_empty()
    assert machines.filter(pl.col("accelerator_seconds") % 1 != 0).height > 10
    assert requests.select(pl.col(tokens).null_count()).row(0) == (0,) * 4
    assert requests["accelerator_seconds"].null_count() == requests.height
    split = pl.col("cached_prompt_tokens") + pl.col("uncached_prompt_tokens")
    assert requests.filter(pl.col("prompt_tokens") != split).is_empty()
    assert requests.select(pl.col(tokens).min() >= 0).row(0) == (True,) * 4


def test_every_user_type_and_model_occurs(usage: pl.DataFrame) -> None:
    assert set(usage["base_model_name"].cast(pl.String)) == {model.name for model in cast.MODELS}
    assert set(usage["email"].cast(pl.String)) == set(cast.TEAMS)
    assert set(usage["usage_type"].cast(pl.String)) == {
        cast.TEXT, cast.EMBEDDING, cast.DEDICATED, cast.TUNING, cast.REINFORCEMENT
    }  # fmt: skip


def test_totals_are_those_of_a_real_team(usage: pl.DataFrame) -> None:
    text = usage.filter(pl.col("usage_type").cast(pl.String) == cast.TEXT)
    assert 0.85 < text.height / usage.height < 0.97
    assert 2_000 < text["prompt_tokens"].mean() < 20_000
    assert 100 < text["completion_tokens"].mean() < 1_000
    assert 0.2 < text["cached_prompt_tokens"].sum() / text["prompt_tokens"].sum() < 0.6


def test_weekends_and_nights_are_quiet(usage: pl.DataFrame) -> None:
    days = usage.group_by(pl.col("start_time").dt.date().alias("day")).len()
    weekend = pl.col("day").dt.weekday() >= 6
    quiet, busy = (days.filter(condition)["len"].mean() for condition in (weekend, ~weekend))
    assert quiet < busy * 0.6
    ana = usage.filter(pl.col("email").cast(pl.String) == cast.ANA)["start_time"].dt.hour()
    assert ana.filter(ana < 6).is_empty()


def test_one_day_stands_out(usage: pl.DataFrame) -> None:
    days = usage.group_by(pl.col("start_time").dt.date().alias("day")).len().sort("len", descending=True)
    assert days["len"][0] > 1.8 * days["len"][1]


def test_a_new_model_takes_over(usage: pl.DataFrame) -> None:
    first = pl.col("start_time") < pl.lit(datetime(2026, 9, 20, tzinfo=UTC))
    last = pl.col("start_time") > pl.lit(datetime(2026, 11, 1, tzinfo=UTC))
    request = pl.col("usage_type").cast(pl.String) == cast.TEXT

    def count(model: cast.Model, when: pl.Expr) -> int:
        return usage.filter(when & request & (pl.col("base_model_name").cast(pl.String) == model.name)).height

    assert count(cast.KIMI_K3, first) == 0 < count(cast.KIMI_K2_6, first)
    assert count(cast.KIMI_K3, last) > 50 * count(cast.KIMI_K2_6, last)


def test_some_events_are_identical() -> None:
    for rows in (1_000, 60_000):
        frame = events(rows, end=END)
        assert 0 < frame.height - frame.unique().height < frame.height * 0.05


def test_csv_is_as_fireworks_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    assert write_csv(path, 3_000, end=END) == 3_000
    lines = path.read_bytes().split(b"\n")
    assert lines[0].decode() == ",".join(COLUMNS)
    assert lines[-1] == b""
    assert b"\r" not in path.read_bytes()
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    frame = events(3_000, end=END)
    assert len(rows) == 3_000
    for row, event in zip(rows, frame.iter_rows(named=True), strict=True):
        for column in COLUMNS:
            value = event[column]
            if value is None:
                assert row[column] == ""
            elif isinstance(value, datetime):
                assert row[column] == value.strftime("%Y-%m-%d %H:%M:%S UTC")
            elif isinstance(value, float):
                assert float(row[column]) == value
            else:
                assert row[column] == str(value)
    assert any(row["email"] == cast.OPS for row in rows)
    assert any(row["email"] == cast.SOREN for row in rows)


def test_csv_of_a_window(tmp_path: Path) -> None:
    plan = Plan(3_000, end=END)
    window = TimeRange(datetime(2026, 10, 1, 3, 30, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC))
    path = tmp_path / "usage.csv"
    written = plan.write_csv(path, window)
    assert written == plan.events(window).height > 0
    assert len(path.read_bytes().splitlines()) == written + 1
