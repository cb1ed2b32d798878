"""The search line: live, with `esc` to clear it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widgets import Input

from fwbill_tui.tui.widgets.literal_input import LiteralInput


class SearchBox(LiteralInput):
    """Every keystroke is a new search; `enter` or `down` go back to the table and keep it, `esc` clears it first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_or_leave", "clear"),
        Binding("down,enter", "leave", "back to the table", key_display="↵"),
    ]
    TYPED = (
        ("kimi ana", "all of these words, each in any label"),
        ("model:kimi", "in one of them: type, model, user, accelerator, bucket"),
        ("-preview", "without: -word, -model:word"),
        ('"two words"', "as they stand, with the space"),
        ("/k[23]/", "a regular expression"),
    )
    DEFAULT_CSS = """
    SearchBox {
        height: 1; width: 1fr; border: none; padding: 0 1; background: $surface;
        &:focus { background: $surface-lighten-1; border: none; }
        &.refused { color: $text-error; text-style: underline; }
    }
    """

    virtual_size = Reactive(Size(0, 0), layout=False)
    """Another text needs no other layout: the line keeps its place, however much of it is filled."""

    class Searched(Message):
        """Another search."""

        def __init__(self, box: SearchBox) -> None:
            super().__init__()
            self._box = box

        @property
        def search(self) -> str:
            """The line as it stands. Letters that came since are not to be taken back when this search is shown."""
            return self._box.value

    class Left(Message):
        """The focus goes back to the table."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own parameter
        super().__init__(placeholder="/ search model, user, type…   model:kimi  -word  /regex/", id=id, select_on_focus=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Searched(self))

    def show_search(self, search: str) -> None:
        """Show a search that came about elsewhere (undo, a chip taken away)."""
        if search != self.value:
            with self.prevent(Input.Changed):
                self.value = search

    def action_clear_or_leave(self) -> None:
        """Clear the search; when there is none, go back to the table."""
        if self.value:
            self.value = ""
        else:
            self.post_message(self.Left())

    def action_leave(self) -> None:
        """Back to the table with the search as it is."""
        self.post_message(self.Left())
