"""The command palette."""

from __future__ import annotations

from textual.command import CommandPalette

from fwbill_tui.tui.screens.dismissed_once import DismissedOnce


class Palette(DismissedOnce, CommandPalette):
    """Textual's, closed once."""
