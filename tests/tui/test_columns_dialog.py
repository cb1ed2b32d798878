"""Showing, hiding and moving columns."""

from __future__ import annotations

from fwbill_tui.tui.screens.columns_dialog import ColumnsChoice, ColumnsDialog
from fwbill_tui.usage.names import COLUMNS

SHOWN = ("start_time", "usage_type", "base_model_name")
USUAL = ("start_time", "base_model_name", "prompt_tokens", "email")


def dialog() -> ColumnsDialog:
    return ColumnsDialog(COLUMNS, SHOWN, usual=USUAL, empty={"accelerator_type", "accelerator_seconds"})


async def test_enter_keeps_what_is_shown(show, size) -> None:
    async with show(dialog(), size) as pilot:
        text = "\n".join(pilot.app.lines())
        assert "■ start_time" in text
        assert "□ accelerator_type  empty" in text
        assert "uncached_prompt_tokens" in text
        await pilot.press("enter")
        assert pilot.app.answer == ColumnsChoice(SHOWN)


async def test_hide_show_and_move_by_keys(show, size) -> None:
    async with show(dialog(), size) as pilot:
        await pilot.press("space", "down", "shift+down", "K", "down", "down", "space", "shift+up")
        assert pilot.app.text_of("#status") == "3 of 13 shown, from left to right"
        await pilot.press("enter")
        assert pilot.app.answer == ColumnsChoice(("usage_type", "email", "base_model_name"))


async def test_the_first_and_the_last_stay_at_the_edge(show) -> None:
    async with show(dialog()) as pilot:
        await pilot.press("shift+up", "end", "shift+down", "enter")
        assert pilot.app.answer == ColumnsChoice(SHOWN)


async def test_reset_gives_the_choice_back_to_the_data(show) -> None:
    async with show(dialog()) as pilot:
        await pilot.press("a", "r")
        assert pilot.app.text_of("#status") == "4 of 13 shown, from left to right"
        listed = [line for line in pilot.app.lines() if "■" in line or "□" in line]
        assert len(listed) > len(USUAL)
        assert all(name in line for name, line in zip((*USUAL, "end_time"), listed, strict=False))
        await pilot.press("enter")
        assert pilot.app.answer == ColumnsChoice(None)
    async with show(dialog()) as pilot:
        await pilot.press("r", "space", "enter")
        assert pilot.app.answer == ColumnsChoice(USUAL[1:])


async def test_one_column_at_least(show) -> None:
    async with show(ColumnsDialog(("a", "[b]\x1b"), ("a",), usual=("a",))) as pilot:
        assert "□ [b]␛" in "\n".join(pilot.app.lines())
        await pilot.press("space", "enter")
        assert pilot.app.text_of("#status").startswith("✗ ")
        assert pilot.app.answer is pilot.app.no_answer
        await pilot.press("escape")
        assert pilot.app.answer is None
