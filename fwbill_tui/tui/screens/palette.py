"""The command palette."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette

from fwbill_tui.tui.screens.dismissed_once import DismissedOnce


class Palette(DismissedOnce, CommandPalette):
    """Textual's, closed once, and still there where the terminal has no room for it."""

    DEFAULT_CSS = """
    Palette CommandList { min-width: 20; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "app.quit", "quit", show=False)]

    def _action_command_list(self, action: str) -> None:
        """Textual (8.2) fails to move in a list that has no line on screen."""
        if action == "select" or self.query_one(CommandList).size.height:
            super()._action_command_list(action)
