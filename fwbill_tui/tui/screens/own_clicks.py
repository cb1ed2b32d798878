"""Screens that take no click that was begun on another one.

To Textual (8.2) two quick clicks in one place are a double click, also when the first of them opened or closed a dialog: the
second is then meant for what is no longer there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.events import Click, Event
from textual.screen import Screen

if TYPE_CHECKING:
    _Mixed = Screen[Any]
else:
    _Mixed = object  # Textual takes default styles from the first base that is a node, and only from there on (8.2)


class OwnClicks(_Mixed):
    """Mixed into a screen."""

    _begun_here: bool = False
    """Whether the first of the last clicks in one place came to this screen since it was shown."""

    def on_screen_suspend(self) -> None:
        self._begun_here = False

    def _forward_event(self, event: Event) -> None:
        if isinstance(event, Click):
            self._begun_here = self._begun_here or event.chain == 1
            if not self._begun_here:
                return
        super()._forward_event(event)
