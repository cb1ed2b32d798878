"""What the boxed screens have in common: a titled box, the keys that apply at its foot, help, and a line of how things stand."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from fwbill_tui.tui import garbage
from fwbill_tui.tui.screens.dismissed_once import DismissedOnce
from fwbill_tui.tui.screens.own_clicks import OwnClicks
from fwbill_tui.tui.screens.painting import PaintedOnce
from fwbill_tui.tui.widgets.key_bar import KeyBar
from fwbill_tui.tui.widgets.literal_input import LiteralInput
from fwbill_tui.tui.widgets.painted import Columns, Rows

BOXED_BINDINGS: list[BindingType] = [
    Binding("question_mark", "help", "Help", key_display="?"),
    Binding("f1", "help_while_typing", "Help", key_display="f1"),
    Binding("ctrl+c", "app.quit", "Quit", show=False),
]
"""Keys of every boxed screen; Textual takes them from screens only."""


class Boxed(DismissedOnce, OwnClicks, PaintedOnce):
    """A screen that is one box. Mixed into a Screen or a ModalScreen, whose CSS_PATH names `dialog.tcss` too."""

    DEFAULT_CLASSES = "boxed"
    HEADING: ClassVar[str] = ""
    LETTER_ACTIONS: ClassVar[frozenset[str]] = frozenset({"help"})
    """Actions on plain characters, which a line of text takes for itself."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        garbage.will_pass(self)

    def compose(self) -> ComposeResult:
        """The box, its heading, its content, its keys."""
        with Rows(id="box") as box:
            box.border_title = self.heading
            yield from self.compose_content()
            with Columns(id="foot"):
                yield KeyBar()
                yield from self.compose_buttons()

    @property
    def heading(self) -> str:
        """What stands in the box's upper edge; never with text from the data, it is read as markup."""
        return self.HEADING

    def compose_content(self) -> ComposeResult:
        """The widgets of the box, from above."""
        raise NotImplementedError

    def compose_buttons(self) -> ComposeResult:
        """The buttons at the foot, after everything else in the order of the tab key."""
        yield from ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer plain characters as keys only where they are not typed."""
        focused = self.app.focused
        typing = isinstance(focused, LiteralInput) and focused.takes_letters
        if action == "help_while_typing":
            return typing
        if typing and action in self.LETTER_ACTIONS:
            return False
        return super().check_action(action, parameters)

    def on_mount(self) -> None:
        """What was said before is read by whoever opens a dialog; only what must not be overlooked stays over it."""
        for said in list(self.app._notifications):
            if said.severity == "information":
                self.app._unnotify(said)

    def on_unmount(self) -> None:
        garbage.let_go(self.app)

    def action_help_while_typing(self) -> None:
        """Show the keys that apply now."""
        self.action_help()

    def action_help(self) -> None:
        """Show the keys that apply now."""
        # The help screen is boxed itself.
        from fwbill_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen.of(self.app.screen))


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
