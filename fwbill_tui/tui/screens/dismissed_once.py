"""Screens that are closed once.

Of two clicks that come before the first of them has closed a screen, Textual (8.2) has the second close what lies below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen

if TYPE_CHECKING:
    _Mixed = Screen[Any]
else:
    _Mixed = object  # Textual takes default styles from the first base that is a node, and only from there on (8.2)


class DismissedOnce(_Mixed):
    """Mixed into a screen."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close the screen, unless it is closed."""
        return super().dismiss(result) if self in self.app.screen_stack else AwaitComplete()
