"""The screen under a dialog looks as Textual itself would dim it."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Label

from fwbill_tui.tui.screens.confirm import ConfirmScreen


class Below(App[None]):
    def compose(self) -> ComposeResult:
        yield Label("[b red on blue]bold[/] plain [link='x']link[/] 界", id="text")


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_it_is_the_same_cell_for_cell(theme: str) -> None:
    async with Below().run_test(size=(50, 12)) as pilot:
        pilot.app.theme = theme
        pilot.app.push_screen(dialog := ConfirmScreen("Replace?"))
        await pilot.pause()
        pictures = []
        for kind in (type(dialog), ModalScreen[bool]):
            for name in ("render_lines", "render_line"):
                setattr(dialog, name, getattr(kind, name).__get__(dialog))
            dialog.refresh(layout=True)
            await pilot.pause(0.1)
            pictures.append([strip.simplify() for strip in dialog._compositor.render_strips()])
        assert pictures[0] == pictures[1]


async def test_what_changes_below_is_seen() -> None:
    async with Below().run_test(size=(50, 12)) as pilot:
        label = pilot.app.query_one("#text", Label)
        pilot.app.push_screen(dialog := ConfirmScreen("Replace?"))
        await pilot.pause()
        label.update("another text")
        await pilot.pause(0.1)
        assert "another text" in dialog._compositor.render_strips()[0].text
