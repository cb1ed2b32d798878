"""Yes or no, told by its mark rather than by colour."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Check(Widget, can_focus=True):
    """`■ yes` or `□ no`."""

    BINDING_GROUP_TITLE = "Yes or no"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "mark", "Change", tooltip="Yes or no")]
    DEFAULT_CSS = """
    Check {
        width: auto;
        height: auto;
        &:focus {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: bold;
        }
        &:disabled { text-style: dim; }
    }
    """

    value: reactive[bool] = reactive(False)

    def __init__(self, label: str, *, value: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._label = label
        self.set_reactive(Check.value, value)

    def render(self) -> Content:
        """The label with its mark."""
        return Content(f"{'■' if self.value else '□'} {self._label}")

    def action_mark(self) -> None:
        """Change it."""
        self.value = not self.value

    def on_click(self) -> None:
        """Change it."""
        self.action_mark()
