"""Everything about one row."""

from __future__ import annotations

from fwbill_tui.tui.screens.row_detail import Field, RowDetailScreen
from fwbill_tui.usage.names import COLUMNS

MODEL = "accounts/fireworks/models/" + "a-model-with-a-name-that-no-line-holds-" * 4
FIELDS = [(column, MODEL if column == "base_model_name" else "" if "accelerator" in column else "1,803") for column in COLUMNS]


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


async def test_the_focused_value_is_in_view(show) -> None:
    async with show(RowDetailScreen([(f"field {number}", str(number)) for number in range(40)])) as pilot:
        await pilot.press("up")
        assert isinstance(pilot.app.focused, Field)
        assert pilot.app.focused.label == "field 39"
        await pilot.pause(0.1)
        assert any("field 39" in line for line in pilot.app.lines())
        await pilot.press("down")
        assert pilot.app.focused.label == "field 0"


async def test_values_are_literal(show) -> None:
    async with show(RowDetailScreen([("[b]label", "[red]\x1b[31mx\u202ey\nz")])) as pilot:
        assert "[red]␛[31mx<U+202E>y␊z" in "".join(pilot.app.lines())
        await pilot.press("y")
        assert "\x1b" not in pilot.app.clipboard
