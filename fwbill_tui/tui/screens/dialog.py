"""What the dialogs have in common: a titled box over what lies below, the keys that apply at its foot, `esc` to leave it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Footer, Static


class Dialog(ModalScreen[ScreenResultType]):
    """A box in the middle of the screen. It dismisses with its result, or with None on `esc`."""

    CSS_PATH: ClassVar = ["dialog.tcss"]
    HEADING: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", key_display="esc")]

    def compose(self) -> ComposeResult:
        """The box, its heading, its content, its keys."""
        with Vertical(id="box") as box:
            box.border_title = self.heading
            yield from self.compose_content()
            with Horizontal(id="foot"):
                yield Footer(show_command_palette=False)
                yield from self.compose_buttons()

    @property
    def heading(self) -> str:
        """What stands in the box's upper edge."""
        return self.HEADING

    def compose_content(self) -> ComposeResult:
        """The widgets of the box, from above."""
        raise NotImplementedError

    def compose_buttons(self) -> ComposeResult:
        """The buttons at the foot, after everything else in the order of the tab key."""
        yield from ()

    def action_cancel(self) -> None:
        """Leave without a result."""
        self.dismiss(None)


class Note(Static):
    """A line that says how things stand, or why something is not possible; never read as markup.

    A refusal begins with ✗ and is coloured, so that it is not told by its hue alone.
    """

    def __init__(self, text: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(text, id=id, markup=False)

    def say(self, text: str) -> None:
        """Show how things stand."""
        self.set_class(False, "refusal")
        self.update(text)

    def refuse(self, text: str) -> None:
        """Show why not, and what to do."""
        self.set_class(True, "refusal")
        self.update(f"✗ {text}")
