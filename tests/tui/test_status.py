"""The line for what must not be overlooked, and what is good to know."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from fwbill_tui.tui.widgets.status import NoticeLine


class Lined(App[None]):
    def compose(self) -> ComposeResult:
        yield NoticeLine()


@pytest.mark.parametrize(
    ("width", "notices", "notes", "shown"),
    [
        (60, (), ("kept as of 12:00",), "ℹ kept as of 12:00"),
        (60, ("2 rows could not be read",), ("kept as of 12:00",), "⚠ 2 rows could not be read   ℹ kept as of 12:00"),
        (34, ("2 rows could not be read",), ("kept as of 12:00",), "⚠ 2 rows could not be read"),
        (21, ("2 rows could not be read",), (), "⚠ 2 rows could not…"),
        (40, (), ("a" * 60,), "ℹ " + "a" * 35 + "…"),
    ],
)
async def test_what_presses_comes_first(width: int, notices: tuple[str, ...], notes: tuple[str, ...], shown: str) -> None:
    async with Lined().run_test(size=(width, 3)) as pilot:
        line = pilot.app.query_one(NoticeLine)
        assert not line.display
        line.notices, line.notes = notices, notes
        await pilot.pause()
        assert line.display
        strip = line.render_line(0)
        assert strip.text.rstrip() == shown
        assert strip.cell_length == line.size.width
