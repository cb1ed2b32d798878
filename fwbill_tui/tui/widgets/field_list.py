"""Labels and whole values, one below the other, of which one is under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar, NamedTuple

from rich.cells import chop_cells
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fwbill_tui.tui.cells import fit, width
from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.tui.widgets.scroll_bar import SteadyBars
from fwbill_tui.usage.literal import literal

_LABEL = 24
"""Cells for the labels, at most."""
_NARROWEST = 8
"""Cells for the values, at least."""


class Field(NamedTuple):
    """A label and its whole value, '' for an empty one; `plain` is what is copied, where that is not what is shown."""

    label: str
    value: str
    plain: str | None = None


class FieldList(SteadyBars, Painted, ScrollView, can_focus=True):
    """One widget however many fields there are; a value that is longer than a line goes on below, and is never cut."""

    BINDING_GROUP_TITLE = "Values"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy value"),
        Binding("down,j", "move(1)", "Next value", show=False),
        Binding("up,k", "move(-1)", "Value before", show=False),
        Binding("home", "to(0)", "First value", show=False),
        Binding("end", "to(-1)", "Last value", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
    ]
    PART = "fields"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "fields--label", "fields--value", "fields--empty", "fields--cursor-label", "fields--cursor",
    }  # fmt: skip
    DEFAULT_CSS = """
    FieldList {
        height: auto; width: 1fr; background: $surface; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .fields--label { color: $text-muted; }
        & > .fields--value { color: $foreground; }
        & > .fields--empty { color: $text-disabled; }
        & > .fields--cursor-label { color: $text-muted; background: $block-cursor-blurred-background; }
        & > .fields--cursor { color: $foreground; background: $block-cursor-blurred-background; text-style: bold; }
    }
    """

    class Copied(Message):
        """A value is in the clipboard, unless it is empty."""

        def __init__(self, label: str, *, empty: bool) -> None:
            super().__init__()
            self.label, self.empty = label, empty

    cursor: reactive[int] = reactive(0)
    """The number of the field that is copied."""

    def __init__(self, fields: Sequence[Field], *, id: str | None = None) -> None:  # noqa: A002 - Textual's own
        """`fields` are shown and copied in their harmless form."""
        super().__init__(id=id)
        self.fields = tuple(Field(literal(field.label), literal(field.value), field.plain) for field in fields)
        self._label_width = min(_LABEL, max((width(field.label) for field in self.fields), default=0) + 2)
        self._laid_out = lru_cache(maxsize=4)(self._lay_out)

    def _lay_out(self, cells: int) -> list[tuple[int, str, str]]:
        """The lines in so many cells: number of the field, its label (on its first line), and a piece of its value."""
        room = max(_NARROWEST, cells - self._label_width - 2)
        lines = []
        for number, (label, value, _) in enumerate(self.fields):
            pieces = chop_cells(value, room) or ["(empty)"]
            lines += [(number, "" if index else label, piece) for index, piece in enumerate(pieces)]
        return lines

    @property
    def _lines(self) -> list[tuple[int, str, str]]:
        return self._laid_out(self.scrollable_content_region.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are."""
        return len(self._laid_out(width))

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))
        self._refresh_scrollbars()  # Textual (8.2) did it before the lines were known, and would leave a bar that is not needed
        self._reveal()

    def render_line(self, y: int) -> Strip:
        index, cells = y + self.scroll_offset.y, self.scrollable_content_region.width
        if index >= len(self._lines):
            return Strip.blank(cells, self.ground)
        number, label, piece = self._lines[index]
        here = self.has_focus and number == self.cursor
        labelled = self.part("cursor-label" if here else "label")
        valued = self.part("cursor" if here else "value" if self.fields[number].value else "empty")
        segments = [Segment(" " + fit(label, self._label_width), labelled), Segment(piece, valued)]
        return Strip(segments).adjust_cell_length(cells, valued if here else self.ground)

    def watch_cursor(self) -> None:
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        lines = [index for index, line in enumerate(self._lines) if line[0] == self.cursor]
        if lines:
            self.scroll_to_region(Region(0, lines[0], 1, len(lines)), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the field under the mouse."""
        index = event.y + self.scroll_offset.y
        if index < len(self._lines):
            self.cursor = self._lines[index][0]

    def action_move(self, by: int) -> None:
        """Move by fields; after the last one comes the first."""
        self.cursor = (self.cursor + by) % max(1, len(self.fields))

    def action_to(self, number: int) -> None:
        """Go to a field; negative numbers count from the last."""
        self.cursor = number % max(1, len(self.fields))

    def action_page(self, by: int) -> None:
        """Move by as many fields as there are lines on screen."""
        self.cursor = max(0, min(self.cursor + by * max(1, self.size.height - 1), len(self.fields) - 1))

    def action_copy(self) -> None:
        """Copy the value under the cursor."""
        if self.fields:
            label, value, plain = self.fields[self.cursor]
            if value:
                self.app.copy_to_clipboard(value if plain is None else plain)
            self.post_message(self.Copied(label, empty=not value))
