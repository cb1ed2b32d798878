"""A word to press. Textual's button has styles for five variants in three looks: reading them took as long as all others."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

_SHOWN_PRESSED = 0.2
"""Seconds."""


class Button(Widget, can_focus=True):
    """One line that looks and acts like Textual's compact button; its label is never read as markup."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "Press button", show=False)]
    DEFAULT_CSS = """
    Button {
        width: auto;
        min-width: 16;
        height: auto;
        line-pad: 1;
        text-align: center;
        content-align: center middle;
        pointer: pointer;
        color: $button-foreground;
        background: $surface;
        text-style: bold;
        &:ansi {
            background: ansi_default;
            &:disabled { text-opacity: 1; text-style: bold dim; }
            &:hover, &.-active { background: $ansi-background; tint: transparent; }
            &.-primary { color: $primary; background: ansi_default; }
            &.-error { color: $error; background: ansi_default; }
            &.-primary:hover, &.-error:hover { background: $ansi-background; }
        }
        &:disabled { text-opacity: 0.6; pointer: not-allowed; }
        &:focus { text-style: $button-focus-text-style; background-tint: $foreground 5%; }
        &:hover { background: $surface-darken-1; }
        &.-active { background: $surface; tint: $background 30%; }
        &.-primary { color: $button-color-foreground; background: $primary; }
        &.-primary:hover { background: $primary-darken-2; }
        &.-primary.-active { background: $primary; }
        &.-error { color: $button-color-foreground; background: $error; }
        &.-error:hover { background: $error-darken-1; }
        &.-error.-active { background: $error; }
    }
    """

    class Pressed(Message):
        """The button was pressed."""

        def __init__(self, button: Button) -> None:
            super().__init__()
            self.button = button

        @property
        def control(self) -> Button:
            """For `@on` selectors."""
            return self.button

    def __init__(
        self,
        label: str,
        variant: Literal["default", "primary", "error"] = "default",
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        disabled: bool = False,
    ) -> None:
        super().__init__(id=id, classes=f"-{variant}", disabled=disabled)
        self._label = Content(label)

    def render(self) -> Content:
        """The label."""
        return self._label

    def on_click(self, event: Click) -> None:
        """Press it."""
        event.stop()
        self.action_press()

    def action_press(self) -> None:
        """Tell the screen, and show it for a moment."""
        if not self.has_class("-active"):
            self.add_class("-active")
            self.set_timer(_SHOWN_PRESSED, partial(self.remove_class, "-active"))
            self.post_message(self.Pressed(self))
