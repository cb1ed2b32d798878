"""Our button looks like Textual's compact one, and is pressed like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button as TextualButton

from fwbill_tui.tui import themes
from fwbill_tui.tui.widgets.button import Button

VARIANTS = ("default", "primary", "error")
Look = list[tuple[str, str | None]]


class Buttons(App[None]):
    def __init__(self, buttons: Sequence[Widget]) -> None:
        super().__init__()
        self.buttons = buttons
        self.pressed = 0
        for theme in themes.THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        yield from self.buttons

    def on_button_pressed(self) -> None:
        self.pressed += 1


async def looks(theme: str, buttons: Sequence[Widget]) -> list[Look]:
    app = Buttons(buttons)
    app.theme = theme
    async with app.run_test(size=(60, 20)) as pilot:
        return [await look(pilot, button, state) for button in buttons for state in ("", "focus", "hover", "pressed")]


async def look(pilot: Pilot[Any], button: Widget, state: str) -> Look:
    pilot.app.set_focus(button if state == "focus" and button.can_focus else None)
    button.mouse_hover = state == "hover"
    button.set_class(state == "pressed", "-active")
    await pilot.pause()
    strips = button.render_lines(Region(0, 0, *button.outer_size))
    return [(text, str(style)) for strip in strips for text, style, _ in strip]


@pytest.mark.parametrize("theme", ["fwbill-dark", "fwbill-light", "textual-light"])
async def test_it_looks_like_a_compact_button_of_textual(theme: str) -> None:
    ours = [Button("Apply  (é)", variant, disabled=off) for variant in VARIANTS for off in (False, True)]  # type: ignore[arg-type]
    textual = [
        TextualButton("Apply  (é)", variant, disabled=off, compact=True)  # type: ignore[arg-type]
        for variant in VARIANTS
        for off in (False, True)
    ]
    assert await looks(theme, ours) == await looks(theme, textual)


async def test_it_is_pressed_by_enter_and_not_at_all_when_disabled() -> None:
    app = Buttons([Button("[b]Apply"), Button("Apply", disabled=True, id="off")])
    async with app.run_test() as pilot:
        await pilot.press("enter")
        await pilot.click("#off")
        assert app.pressed == 1
        assert "[b]Apply" in str(app.buttons[0].render())
