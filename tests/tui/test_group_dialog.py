"""Choosing what to group by."""

from __future__ import annotations

from fwbill_tui.tui.screens.group_dialog import LETTERS, GroupChoice, GroupDialog
from fwbill_tui.usage.names import DIMENSION_COLUMNS, TIME_GROUPS

DIMENSIONS = (*DIMENSION_COLUMNS, "team", "[b]\x1b")


async def test_letters_choose_in_their_order(show, size) -> None:
    async with show(GroupDialog(DIMENSIONS), size) as pilot:
        await pilot.press("u", "d")
        assert pilot.app.text_of("#status") == "by user, then by day"
        await pilot.press("enter")
        assert pilot.app.answer == GroupChoice(("user", "day"))


async def test_arrows_and_space(show, size) -> None:
    async with show(GroupDialog(DIMENSIONS, ("model",)), size) as pilot:
        assert "[1] m  model" in "\n".join(pilot.app.lines())
        await pilot.press("space", "down", "space", "enter")
        assert pilot.app.answer == GroupChoice(("bucket",))


async def test_enter_takes_the_line_under_the_cursor_where_nothing_was_chosen(show) -> None:
    async with show(GroupDialog(DIMENSIONS)) as pilot:
        await pilot.press("down", "down", "down")
        assert pilot.app.text_of("#status") == "not grouped; ↵ groups by user"
        await pilot.press("enter")
        assert pilot.app.answer == GroupChoice(("user",))


async def test_what_was_taken_back_is_not_taken_by_enter(show) -> None:
    async with show(GroupDialog(DIMENSIONS, ("model",))) as pilot:
        await pilot.press("m")
        assert pilot.app.text_of("#status") == "not grouped: single events"
        await pilot.press("enter")
        assert pilot.app.answer == GroupChoice(())


async def test_two_at_most_and_none(show) -> None:
    async with show(GroupDialog(DIMENSIONS, ("model", "day"))) as pilot:
        await pilot.press("u")
        assert "two groupings at most" in pilot.app.text_of("#status")
        await pilot.press("m", "u")
        assert pilot.app.text_of("#status") == "by day, then by user"
        await pilot.press("x", "enter")
        assert pilot.app.answer == GroupChoice(())


async def test_further_columns_have_numbers_and_are_literal(show) -> None:
    async with show(GroupDialog(DIMENSIONS)) as pilot:
        assert "[ ] 2  [b]␛" in "\n".join(pilot.app.lines())
        await pilot.press("1", "enter")
        assert pilot.app.answer == GroupChoice(("team",))


async def test_a_grouping_that_is_gone_and_leaving(show) -> None:
    async with show(GroupDialog(("model",), ("tenant",))) as pilot:
        assert pilot.app.text_of("#status") == "not grouped; ↵ groups by model"
        await pilot.press("escape")
        assert pilot.app.answer is None


def test_every_known_grouping_has_its_own_letter() -> None:
    assert set(LETTERS) == {*DIMENSION_COLUMNS, *TIME_GROUPS}
    assert len({*LETTERS.values()} - set("jkx")) == len(LETTERS)
