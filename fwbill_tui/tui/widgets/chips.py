"""Every active filter as a chip that can be taken away alone."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui import cells
from fwbill_tui.tui.widgets.facets import shown_value, title_of
from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.usage.query import Query

_LONGEST = 36
_GAP = "  "


class Chip(NamedTuple):
    """A filter in words, and the query without it."""

    text: str
    without: Query


def chips_of(query: Query) -> list[Chip]:
    """The filters of a query, one chip per chosen or excluded value, condition, and search."""
    chips = []
    if query.search.strip():
        chips.append(Chip(f"/ {cells.label(query.search.strip())}", replace(query, search="")))
    for dimension, values in query.only:
        for value in values:
            text = f"{title_of(dimension).lower()}: {shown_value(dimension, value)}"
            chips.append(Chip(text, query.choose(dimension, set(values) - {value})))
    for dimension, values in query.without:
        for value in values:
            text = f"not {title_of(dimension).lower()}: {shown_value(dimension, value)}"
            chips.append(Chip(text, query.exclude(dimension, set(values) - {value})))
    for condition in query.where:
        rest = tuple(other for other in query.where if other != condition)
        chips.append(Chip(str(condition), replace(query, where=rest)))
    return chips


def by_words(query: Query) -> str:
    """What a query groups by: `day, model`."""
    return ", ".join(title_of(name).lower() for name in query.group_by)


class FilterChips(Painted, Widget):
    """The active filters on one line. Where lines are few it takes no room when there are none."""

    PART = "chips"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "previous", show=False),
        Binding("right,l", "move(1)", "next", show=False),
        Binding("enter,delete,backspace,space", "remove", "remove this filter", key_display="↵"),
        Binding("escape", "leave", "back to the table"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chips--chip", "chips--cursor", "chips--more"}
    DEFAULT_CSS = """
    FilterChips {
        height: 1; width: 1fr; display: none; padding: 0 1; background: $background;
        &.filtered { display: block; }
        & > .chips--chip { background: $primary-muted; color: $foreground; }
        & > .chips--cursor { background: $primary; color: $background; text-style: bold reverse; }
        & > .chips--more { color: $text-muted; }
    }
    """

    class Removed(Message):
        """A filter is to go: `query` is what remains."""

        def __init__(self, query: Query) -> None:
            super().__init__()
            self.query = query

    class Left(Message):
        """The focus goes back to the table."""

    chips: reactive[tuple[Chip, ...]] = reactive(tuple)
    cursor: reactive[int] = reactive(0)
    way_back: reactive[str] = reactive("")
    """Where `esc` leads from inside a group; stands before the chips."""

    def watch_way_back(self) -> None:
        self._give_room()

    def _give_room(self) -> None:
        self.set_class(bool(self.chips or self.way_back), "filtered")

    def watch_chips(self) -> None:
        self._give_room()
        self.can_focus = bool(self.chips)
        self.cursor = max(0, min(self.cursor, len(self.chips) - 1))
        if not self.chips and self.has_focus:
            self.post_message(self.Left())

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        chip, at_cursor = self.part("chip"), self.part("cursor")
        more = self.part("more")
        segments = [Segment(self.way_back + _GAP, more)] if self.way_back else []
        for index, _, text in self._placed():
            focused = self.has_focus and index == self.cursor
            segments += [Segment(text, at_cursor if focused else chip), Segment(" ", self.ground)]
        hidden = len(self.chips) - len(self._placed())
        if hidden:
            segments.append(Segment(f"+{hidden} more  x clears all", more))
        return Strip(segments).adjust_cell_length(width, self.ground)

    def _placed(self) -> list[tuple[int, int, str]]:
        """Number, left edge and text of the chips that find room, beginning so that the cursor's is among them."""
        first = 0
        while True:
            placed: list[tuple[int, int, str]] = []
            left = cell_len(self.way_back + _GAP) if self.way_back else 0
            for index, chip in enumerate(self.chips[first:], first):
                text = f" {cells.fit(chip.text, min(_LONGEST, cell_len(chip.text)))} ✕ "
                room = self.size.width - (0 if index == len(self.chips) - 1 else 24)
                if left + cell_len(text) > room and placed:
                    break
                placed.append((index, left, text))
                left += cell_len(text) + 1
            if not self.has_focus or not placed or placed[-1][0] >= self.cursor:
                return placed
            first += 1

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        for index, left, text in self._placed():
            if offset is not None and left <= offset.x < left + cell_len(text):
                self.post_message(self.Removed(self.chips[index].without))

    def action_move(self, by: int) -> None:
        """Move to another chip."""
        self.cursor = max(0, min(self.cursor + by, len(self.chips) - 1))

    def action_remove(self) -> None:
        """Take the filter under the cursor away."""
        if self.chips:
            self.post_message(self.Removed(self.chips[self.cursor].without))

    def action_leave(self) -> None:
        """Back to the table."""
        self.post_message(self.Left())
