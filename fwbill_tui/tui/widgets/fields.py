"""Textual's line and list with their `enter` shown among the keys at the foot of a dialog."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import OptionList

from fwbill_tui.tui.widgets.literal_input import LiteralInput
from fwbill_tui.tui.widgets.painted import Painted


class Line(LiteralInput):
    """A line of text; `enter` ends it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "OK", key_display="↵")]


class ChoiceList(Painted, OptionList):
    """A list to choose from, with the table's movement keys; its options are never read as markup."""

    BINDING_GROUP_TITLE = "List"
    DEFAULT_CSS = """
    ChoiceList { min-width: 12; }
    """  # in less, Textual (8.2) fails to wrap its lines
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Choose", key_display="↵"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def render_lines(self, crop: Region) -> list[Strip]:
        self._update_lines()
        return super().render_lines(crop)


class MarkList(ChoiceList):
    """A list of which several can be marked: a click does that, as a key of the dialog does, and `enter` applies."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Apply", key_display="↵")]

    class Clicked(Message):
        """An option was clicked and is highlighted now."""

    def on_click(self, event: Click) -> None:
        """Highlight the option under the mouse; Textual would select it, too."""
        event.prevent_default()
        option = event.style.meta.get("option")
        if option is not None:
            self.highlighted = option
            self.post_message(self.Clicked())
