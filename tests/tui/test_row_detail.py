"""Everything about one row."""

from __future__ import annotations

from fwbill_tui.tui.screens.row_detail import RowDetailScreen
from fwbill_tui.tui.widgets.field_list import Field, FieldList
from fwbill_tui.usage.names import COLUMNS

MODEL = "accounts/fireworks/models/" + "a-model-with-a-name-that-no-line-holds-" * 4
FIELDS = [
    Field(column, MODEL if column == "base_model_name" else "" if "accelerator" in column else "1,803") for column in COLUMNS
]


async def test_values_stand_whole_and_fit(show, size) -> None:
    async with show(RowDetailScreen(FIELDS), size) as pilot:
        text = "".join(line.strip().strip("│").strip().removeprefix("base_model_name").strip() for line in pilot.app.lines())
        assert MODEL in text
        assert "(empty)" in text
        assert pilot.app.screen.query_one("#box").region in pilot.app.screen.region


async def test_a_value_and_all_values_are_copied(show) -> None:
    async with show(RowDetailScreen(FIELDS, what="group")) as pilot:
        await pilot.press(*["down"] * 6, "y")
        assert pilot.app.clipboard == MODEL
        await pilot.press("Y")
        assert pilot.app.clipboard.splitlines()[0] == "email: 1,803"
        assert len(pilot.app.clipboard.splitlines()) == len(FIELDS)
        await pilot.press("enter")
        assert pilot.app.answer is None


async def test_a_number_is_copied_without_what_makes_it_readable(show) -> None:
    async with show(RowDetailScreen([Field("prompt_tokens", "4,295", "4295"), Field("accelerator_type", "")])) as pilot:
        assert any("4,295" in line for line in pilot.app.lines())
        await pilot.press("y", "down", "y")
        assert pilot.app.clipboard == "4295"


async def test_the_value_under_the_cursor_is_in_view(show) -> None:
    async with show(RowDetailScreen([Field(f"field {number}", str(number)) for number in range(40)])) as pilot:
        fields = pilot.app.screen.query_one(FieldList)
        for keys, number in (
            ("up", 39),
            ("down", 0),
            ("end", 39),
            ("home", 0),
            ("pagedown", 17),
            ("pageup", 0),
            ("j", 1),
            ("k", 0),
        ):
            await pilot.press(keys)
            await pilot.pause()
            assert fields.cursor == number
            assert any(f"field {number} " in line for line in pilot.app.lines())
            await pilot.press("y")
            assert pilot.app.clipboard == str(number)


async def test_no_scroll_bar_stays_where_a_larger_screen_has_room_for_all_values(show) -> None:
    async with show(RowDetailScreen([Field(f"field {number}", "word " * 12) for number in range(13)]), (44, 14)) as pilot:
        fields = pilot.app.screen.query_one(FieldList)
        assert fields.show_vertical_scrollbar
        await pilot.resize_terminal(160, 48)
        await pilot.pause()
        assert not fields.show_vertical_scrollbar


async def test_a_click_chooses_the_value(show) -> None:
    async with show(RowDetailScreen(FIELDS)) as pilot:
        fields = pilot.app.screen.query_one(FieldList)
        at = next(index for index, field in enumerate(FIELDS) if field.label == "base_model_name")
        await pilot.click(FieldList, offset=(30, at + 1))
        assert fields.cursor == at, "the second line of a value belongs to it"


async def test_values_are_literal(show) -> None:
    async with show(RowDetailScreen([Field("[b]label", "[red]\x1b[31mx\u202ey\nz")])) as pilot:
        assert "[red]␛[31mx<U+202E>y␊z" in "".join(pilot.app.lines())
        await pilot.press("y")
        assert "\x1b" not in pilot.app.clipboard
