"""The keys that apply now, on one line.

Textual's `Footer` is a tree of widgets built anew at every change of focus: each time tens of milliseconds of the event
loop, and the old ones stay referenced by their data bindings (Textual 8.2). This is one widget that paints one line.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui import cells
from fwbill_tui.tui.live_keys import live_bindings
from fwbill_tui.tui.widgets.painted import Painted


class KeyHint(NamedTuple):
    """A key as it is written, what it does, and the key to press in its place when it is clicked."""

    shown: str
    does: str
    key: str

    @property
    def width(self) -> int:
        """Cells it takes, with the gap after it."""
        return 1 + cells.width(self.shown) + 1 + cells.width(self.does) + 1


class KeyBar(Painted, Widget):
    """The bindings that are shown and enabled, from the focused part outwards; a click presses the key.

    Hints that find no room are left out whole, but never the last one (help, which has them all).
    """

    PART = "key-bar"
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--does"}
    DEFAULT_CSS = """
    KeyBar {
        height: 1; width: 1fr; background: $footer-background;
        & > .key-bar--key { color: $footer-key-foreground; text-style: bold; }
        & > .key-bar--does { color: $footer-description-foreground; }
    }
    """

    hints: reactive[tuple[KeyHint, ...]] = reactive(tuple)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._on_bindings)

    def _on_bindings(self, screen: Screen[Any]) -> None:
        if screen is self.screen and self.is_attached:
            self.hints = hints_of(screen)

    def _placed(self) -> list[tuple[int, KeyHint]]:
        """The hints that find room, with their left edges."""
        if not self.hints:
            return []
        *hints, last = self.hints
        placed, left = [], 0
        for hint in hints:
            if left + hint.width + last.width <= self.size.width:
                placed.append((left, hint))
                left += hint.width
        return [*placed, (left, last)]

    def render_line(self, y: int) -> Strip:
        key, does = self.part("key"), self.part("does")
        segments = []
        for _, hint in self._placed():
            segments += [Segment(f" {hint.shown}", key), Segment(f" {hint.does} ", does)]
        return Strip(segments).adjust_cell_length(self.size.width, self.ground)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        offset = event.get_content_offset(self)
        for left, hint in self._placed():
            if offset is not None and left < offset.x < left + hint.width - 1:
                self.app.simulate_key(hint.key)


def hints_of(screen: Screen[Any]) -> tuple[KeyHint, ...]:
    """What is to be shown of a screen's active bindings, one hint per action."""
    hints: dict[str, KeyHint] = {}
    for _, binding, enabled, _ in live_bindings(screen):
        if binding.show and enabled:
            hints.setdefault(binding.action, KeyHint(screen.app.get_key_display(binding), binding.description, binding.key))
    return tuple(hints.values())
