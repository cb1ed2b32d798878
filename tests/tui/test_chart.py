"""The chart: what a column stands for, the legend's names, and its edges, named in the same words on every system."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from textual.app import App, ComposeResult

from fwbill_tui.tui.widgets.chart import UsageChart, _Plot
from fwbill_tui.usage.answers import Series

FIRST, HOUR = date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)
MODELS = ("accounts/fireworks/models/m1", "accounts/acme/models/m1", "accounts/acme/models/m2")


class Charted(App[None]):
    def compose(self) -> ComposeResult:
        yield UsageChart()


def text_of(chart: UsageChart) -> str:
    return "\n".join(chart.render_line(y).text for y in range(chart.size.height))


@pytest.mark.parametrize(("days", "said", "top"), [(30, "per day by", "10"), (150, "per 3 days by", "30")])
async def test_a_column_of_several_days_says_so(days: int, said: str, top: str) -> None:
    starts = tuple(FIRST + timedelta(days=number) for number in range(days))
    async with Charted().run_test(size=(100, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        chart.series = Series("day", "total_tokens", "model", starts, (MODELS[0],), ((10.0,) * days,))
        await pilot.pause()
        assert f"tokens {said} model" in text_of(chart)
        assert text_of(chart).split()[0] == top


async def test_the_legend_gives_way_where_that_leaves_each_day_a_column() -> None:
    async with Charted().run_test(size=(100, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        for days, said in [(66, "tokens per day by model"), (73, "tokens/day by model"), (74, "tokens per 2 days by model")]:
            starts = tuple(FIRST + timedelta(days=number) for number in range(days))
            chart.series = Series("day", "total_tokens", "model", starts, (MODELS[0],), ((10.0,) * days,))
            await pilot.pause()
            assert said in text_of(chart)


async def test_gpu_time_is_charted_in_hours() -> None:
    async with Charted().run_test(size=(100, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        chart.series = Series("day", "accelerator_seconds", "accelerator", (FIRST,), ("H100", None), ((9000.0,), (1800.0,)))
        await pilot.pause()
        text = text_of(chart)
        assert "GPU h per day by accelerator" in text
        assert text.split()[0] == "3"
        assert re.search(r"■ H100 +2\.5 ", text)
        assert re.search(r"■ other +0\.5 ", text)


async def test_a_column_of_several_hours_says_so() -> None:
    starts = tuple(HOUR + timedelta(hours=number) for number in range(48))
    async with Charted().run_test(size=(50, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        chart.series = Series("hour", "events", "usage_type", starts, ("TEXT",), ((1.0,) * 48,))
        await pilot.resize_terminal(70, 8)
        assert "events/2 h by usage type" in text_of(chart)
        chart.row_names = ("day sum", "day sums")
        assert "day sums/2 h by usage type" in text_of(chart)


async def test_models_with_one_last_segment_are_told_apart_in_the_legend() -> None:
    async with Charted().run_test(size=(120, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        chart.series = Series("day", "total_tokens", "model", (FIRST,), (*MODELS, None), ((1.0,),) * 4)
        await pilot.pause()
        text = text_of(chart)
        assert "■ fireworks/models/m1 " in text
        assert "■ acme/models/m1 " in text
        assert "■ m2 " in text
        assert "■ other " in text


class StrangeDay(date):
    """A day on a system with months of its own, and without `%-d`, as Windows."""

    def strftime(self, form: str, /) -> str:
        if "%-" in form:
            raise ValueError("Invalid format string")
        return super().strftime(form.replace("%b", "marraskuu"))


class StrangeHour(StrangeDay, datetime):
    """An hour there."""


DAYS = (StrangeDay(2026, 10, 5), StrangeDay(2026, 11, 20))
HOURS = (StrangeHour(2026, 10, 5, 9, tzinfo=UTC), StrangeHour(2026, 10, 5, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("unit", "edges", "said"), [("day", DAYS, ["Oct 5", "Nov 20"]), ("hour", HOURS, ["Oct 5 09:00", "Oct 5 23:00"])]
)
def test_the_edges_are_named_in_the_same_words_everywhere(
    unit: Literal["day", "hour"], edges: tuple[date, date], said: list[str]
) -> None:
    starts = (*edges[:1] * 29, edges[1])
    series = Series(unit, "events", "base_model_name", starts, ("kimi-k3",), ((1.0,) * 30,))
    assert re.split(r"\s{2,}", _Plot(series, 60, 4).feet()) == said


async def test_days_of_corrections_have_no_bar() -> None:
    async with Charted().run_test(size=(100, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        starts = tuple(FIRST + timedelta(days=number) for number in range(3))
        chart.series = Series("day", "total_tokens", "model", starts, (MODELS[0],), ((1_000.0, -2_000.0, 500.0),))
        await pilot.pause()
        bars = chart.render_line(4).text[7:]
        assert bars[:6].strip()
        assert not bars[6:12].strip()
        assert bars[12:18].strip()
        assert text_of(chart).split()[0] == "1"


async def test_where_there_is_no_legend_the_foot_says_what_a_column_is() -> None:
    async with Charted().run_test(size=(60, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        starts = tuple(FIRST + timedelta(days=number) for number in range(400))
        chart.series = Series("day", "total_tokens", "model", starts, (MODELS[0],), ((1.0,) * 400,))
        await pilot.pause()
        assert re.split(r"\s{2,}", chart.render_line(5).text.strip()) == ["Jan 1 2026", "tokens per 8 days", "Feb 4 2027"]


async def test_a_click_asks_for_all_days_of_a_column() -> None:
    picked: list[tuple[date, date]] = []

    class Picking(Charted):
        def on_usage_chart_picked(self, message: UsageChart.Picked) -> None:
            picked.append((message.first, message.last))

    async with Picking().run_test(size=(60, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        starts = tuple(FIRST + timedelta(days=5 * number) for number in range(101))
        chart.series = Series("day", "total_tokens", "model", starts, (MODELS[0],), ((1.0,) * 101,), step=5)
        await pilot.pause()
        await pilot.click(UsageChart, offset=(7, 3))
        await pilot.click(UsageChart, offset=(7 + 50, 3))
    assert picked == [(FIRST, FIRST + timedelta(days=9)), (FIRST + timedelta(days=500), FIRST + timedelta(days=504))]


async def test_a_click_on_the_second_of_two_equal_hours_asks_for_that_one() -> None:
    picked: list[datetime] = []

    class Picking(Charted):
        def on_usage_chart_picked(self, message: UsageChart.Picked) -> None:
            assert isinstance(message.first, datetime)
            assert message.last == message.first
            picked.append(message.last.astimezone(UTC))

    berlin = ZoneInfo("Europe/Berlin")
    starts = tuple(datetime(2026, 10, 25, hour, tzinfo=UTC).astimezone(berlin) for hour in range(3))
    async with Picking().run_test(size=(60, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        chart.series = Series("hour", "total_tokens", "model", starts, (MODELS[0],), ((1.0,) * 3,))
        await pilot.pause()
        for number in range(3):
            await pilot.click(UsageChart, offset=(8 + 6 * number, 3))
    assert picked == [datetime(2026, 10, 25, hour, tzinfo=UTC) for hour in range(3)]


async def test_sums_beyond_all_numbers_have_no_bars() -> None:
    async with Charted().run_test(size=(100, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        chart.series = Series("day", "accelerator_seconds", "model", (FIRST,), (MODELS[0],), ((float("inf"),),))
        await pilot.pause()
        assert "GPU h per day" in text_of(chart)


def test_a_column_of_several_days_is_marked_for_each_of_them() -> None:
    starts = tuple(FIRST + timedelta(days=number) for number in range(6))
    plot = _Plot(Series("day", "total_tokens", "model", starts, (MODELS[0],), ((1.0,) * 6,)), 3, 4)
    assert plot.marks({starts[1]: "missing", starts[5]: "provisional"}) == "× ~"


async def test_sums_below_zero_are_said_to_have_no_bars() -> None:
    starts = tuple(FIRST + timedelta(days=number) for number in range(40))
    async with Charted().run_test(size=(100, 8)) as pilot:
        chart = pilot.app.query_one(UsageChart)
        chart.series = Series("day", "total_tokens", "model", starts, (MODELS[0],), ((1.0,) * 39 + (-5.0,),))
        await pilot.pause()
        assert "sums below 0 are not drawn" in text_of(chart)
