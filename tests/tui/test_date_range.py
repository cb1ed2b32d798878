"""The date range screen, by keys and by mouse."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from textual.widgets import Input, OptionList

from fwbill_tui.tui.screens.date_range import DateRangeChoice, DateRangeScreen
from fwbill_tui.tui.widgets.button import Button
from fwbill_tui.tui.widgets.calendar import RangeCalendar
from fwbill_tui.usage.query import EVERYTHING
from fwbill_tui.usage.ranges import parse_range

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def screen(text: str = "mtd", time_zone: str = "UTC", **options: object) -> DateRangeScreen:
    time_range = parse_range(text, today=NOW.date(), time_zone=time_zone)
    return DateRangeScreen(time_range, time_zone, now=NOW, **options)


def choice(text: str, time_zone: str = "UTC") -> DateRangeChoice:
    return DateRangeChoice(parse_range(text, today=NOW.date(), time_zone=time_zone), time_zone)


async def test_typing_at_once_and_enter(show, size) -> None:
    async with show(screen(), size) as pilot:
        await pilot.press(*"30d")
        assert pilot.app.text_of("#reading") == "Oct 24 – Nov 22 2026 · 30 days · UTC"
        await pilot.press("enter")
        assert pilot.app.answer == choice("30d")


async def test_everything_fits_and_nothing_scrolls(show, size) -> None:
    async with show(screen(), size) as pilot:
        box = pilot.app.screen.query_one("#box").region
        assert box in pilot.app.screen.region
        for widget in pilot.app.screen.query("Input, OptionList, RangeCalendar, Button"):
            assert widget.region in box
            assert widget.region.area > 0
        assert not pilot.app.screen.query_one("#presets", OptionList).show_vertical_scrollbar
        assert pilot.app.screen.query_one(RangeCalendar).months == 2


@pytest.mark.parametrize("wrong", ["2026-13", "nonsense", "2026-10-15..2026-10-01", ""])
async def test_an_impossible_range_says_why_and_is_not_taken(show, wrong: str) -> None:
    async with show(screen()) as pilot:
        pilot.app.screen.query_one("#range", Input).value = wrong
        await pilot.pause()
        assert pilot.app.text_of("#reading").startswith("✗ ")
        await pilot.press("enter")
        assert pilot.app.answer is pilot.app.no_answer
        await pilot.press("escape")
        assert pilot.app.answer is None


async def test_presets_by_arrows_show_their_meaning_before_they_are_taken(show, size) -> None:
    async with show(screen("today"), size) as pilot:
        await pilot.press("tab", "tab", "down", "down", "down")
        assert pilot.app.screen.query_one("#range", Input).value == "30d"
        assert "Oct 24 – Nov 22 2026" in pilot.app.text_of("#reading")
        assert any("● last 30 days" in line for line in pilot.app.lines())
        await pilot.press("enter")
        assert pilot.app.answer == choice("30d")


async def test_the_calendar_by_keys_alone(show, size) -> None:
    async with show(screen(), size) as pilot:
        await pilot.press("tab", "tab", "tab", "pageup", "home", "enter")
        assert pilot.app.screen.query_one("#range", Input).value == "2026-10-01"
        await pilot.press("down", "down")
        assert "[ 1" in "".join(pilot.app.lines())
        assert "15]" in "".join(pilot.app.lines())
        await pilot.press("enter")
        assert pilot.app.focused is pilot.app.screen.query_one("#apply", Button)
        assert pilot.app.text_of("#reading") == "Oct 1 – Oct 15 2026 · 15 days · UTC"
        await pilot.press("enter")
        assert pilot.app.answer == choice("10-01..10-15")


async def test_the_ends_may_be_picked_in_either_order_and_taken_back(show) -> None:
    async with show(screen()) as pilot:
        calendar = pilot.app.screen.query_one(RangeCalendar)
        calendar.focus()
        await pilot.press("enter", "left", "left", "enter")
        assert pilot.app.screen.query_one("#range", Input).value == "2026-11-20..2026-11-22"
        calendar.focus()
        await pilot.press("left", "enter")
        assert pilot.app.screen.query_one("#range", Input).value == str(calendar.cursor)
        await pilot.press("escape")
        assert calendar.first_pick is None
        assert pilot.app.screen.query_one("#range", Input).value == "2026-11-20..2026-11-22"
        assert calendar.stretch == (date(2026, 11, 20), date(2026, 11, 22))
        assert pilot.app.answer is pilot.app.no_answer
        await pilot.press("escape")
        assert pilot.app.answer is None


async def test_the_calendar_by_mouse(show) -> None:
    async with show(screen()) as pilot:
        calendar = pilot.app.screen.query_one(RangeCalendar)
        left, top = calendar.content_region.offset - calendar.region.offset
        # October 2026 is on the left: the 5th is its second Monday's column, the 15th the Thursday of the week after.
        assert await pilot.click(calendar, offset=(left + 2, top + 3))
        assert await pilot.click(calendar, offset=(left + 3 * 3 + 1, top + 4))
        assert pilot.app.screen.query_one("#range", Input).value == "2026-10-05..2026-10-15"
        assert await pilot.click("#apply")
        assert pilot.app.answer == choice("10-05..10-15")


async def test_clicks_between_the_days_pick_nothing(show) -> None:
    async with show(screen()) as pilot:
        calendar = pilot.app.screen.query_one(RangeCalendar)
        left, top = calendar.content_region.offset - calendar.region.offset
        for offset in ((left + 2, top), (left + 2, top + 1), (left + 2, top + 2), (left + 24, top + 4), (left + 2, top + 9)):
            await pilot.click(calendar, offset=offset)
        assert calendar.first_pick is None


async def test_another_zone_gives_the_same_days_their_own_hours(show, size) -> None:
    async with show(screen("10-01..10-15"), size) as pilot:
        await pilot.press("tab", *"asia/kolk")
        assert pilot.app.text_of("#reading").startswith("✗ no time zone is called 'asia/kolk'")
        await pilot.press("right", "enter")
        assert pilot.app.answer == choice("10-01..10-15", "Asia/Kolkata")


async def test_today_is_the_zones_own(show) -> None:
    late = DateRangeScreen(EVERYTHING, "Pacific/Kiritimati", now=NOW)
    async with show(late) as pilot:
        await pilot.press(*"today")
        assert pilot.app.text_of("#reading") == "Nov 23 2026 · 1 day · Pacific/Kiritimati"


async def test_open_sides_are_refused_where_they_cannot_be(show) -> None:
    async with show(screen(open_sides=False)) as pilot:
        await pilot.press(*"2026-10-01..")
        assert "needs a first and a last day" in pilot.app.text_of("#reading")
        assert pilot.app.screen.query_one("#presets", OptionList).option_count == 9


async def test_a_range_with_clock_times_and_one_in_the_future(show) -> None:
    async with show(screen()) as pilot:
        await pilot.press(*"2026-10-01 12:00..14:30")
        assert pilot.app.text_of("#reading") == "Oct 1 2026 12:00 – 14:30 · 2 h 30 min · UTC"
        pilot.app.screen.query_one("#range", Input).value = "2027-01"
        await pilot.pause()
        assert "still to come" in pilot.app.text_of("#reading")


async def test_days_that_are_not_there_are_marked(show) -> None:
    states = {date(2026, 11, day): "have" for day in range(1, 20)} | {date(2026, 11, 20): "provisional"}
    async with show(screen("today", day_states=states)) as pilot:
        text = "\n".join(pilot.app.lines())
        assert "20~21[22]" in text
        assert "31·" in text
        assert "23 24 25" in text, "days to come are not marked as missing"
        assert "not fetched" in text


async def test_the_calendar_stops_at_the_edge_of_time(show) -> None:
    async with show(screen("1970-01-01..1970-01-05")) as pilot:
        calendar = pilot.app.screen.query_one(RangeCalendar)
        calendar.focus()
        await pilot.press("up", "pageup", "home", "left")
        assert calendar.cursor == date(1970, 1, 1)
        calendar.cursor = date(2999, 12, 31)
        await pilot.press("right", "down", "pagedown")
        assert calendar.cursor == date(2999, 12, 31)
