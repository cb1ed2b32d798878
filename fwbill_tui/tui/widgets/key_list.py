"""Keys and what they do, in groups, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fwbill_tui.tui.cells import width
from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.tui.widgets.scroll_bar import SteadyBars

_GAP = 2
"""Cells between keys and what they do."""
_NARROWEST = 12
"""Cells for what they do, at least."""


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The keys of one part of the screen: pairs of keys and what they do."""

    title: str
    rows: tuple[tuple[str, str], ...]


class KeyList(SteadyBars, Painted, ScrollView, can_focus=True):
    """One widget however many keys there are; only what is in sight is painted."""

    PART = "keys"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--title", "keys--key"}
    DEFAULT_CSS = """
    KeyList {
        width: 1fr; height: 1fr; background: $surface; color: $foreground; overflow-x: hidden; overflow-y: auto;
        & > .keys--title { color: $text-primary; text-style: bold underline; }
        & > .keys--key { color: $text-accent; text-style: bold; }
    }
    """

    def __init__(self, groups: Sequence[KeyGroup], *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._groups = tuple(groups)
        self._keys_width = max((width(keys) for group in groups for keys, _ in group.rows), default=0)
        self._laid_out = lru_cache(maxsize=4)(self._lay_out)

    def _lay_out(self, cells: int) -> list[tuple[str, str, str]]:
        """The lines in so many cells: a title, or keys (on their first line) and a piece of what they do."""
        room = max(_NARROWEST, cells - self._keys_width - _GAP)
        lines: list[tuple[str, str, str]] = []
        for group in self._groups:
            if lines:
                lines.append(("", "", ""))
            lines.append((group.title, "", ""))
            for keys, does in group.rows:
                lines += [("", "" if number else keys, piece) for number, piece in enumerate(wrap(does, room) or [""])]
        return lines

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        """Wrap to the new width. Done after it was painted, all would be laid out and painted twice more."""
        room = size - self.styles.gutter.totals
        bar = self.styles.scrollbar_size_vertical if len(self._laid_out(room.width)) > room.height else 0
        cells = room.width - bar
        self.set_reactive(KeyList.virtual_size, Size(cells, len(self._laid_out(cells))))
        return super()._size_updated(size, virtual_size, container_size, layout)

    def render_line(self, y: int) -> Strip:
        index, cells = y + self.scroll_offset.y, self.scrollable_content_region.width
        lines = self._laid_out(cells)
        if index >= len(lines):
            return Strip.blank(cells, self.ground)
        title, keys, does = lines[index]
        if title:
            segments = [Segment(title, self.part("title"))]
        else:
            padding = " " * (self._keys_width - width(keys))
            segments = [Segment(padding + keys, self.part("key")), Segment(" " * _GAP + does, self.ground)]
        return Strip(segments).adjust_cell_length(cells, self.ground)
