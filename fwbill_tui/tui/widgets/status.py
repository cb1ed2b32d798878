"""The line on top that says what is on show, and the one below it that says what is wrong or under way."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui import cells
from fwbill_tui.tui.widgets.painted import Painted


class Standing(NamedTuple):
    """What the top line says. Texts are from the program or made literal before they come here."""

    account: str = ""
    range: str = ""
    events: int | None = None
    source: str = ""
    fetched_at: datetime | None = None
    rows: str = "events"
    """What `events` counts is called."""


class _Form(NamedTuple):
    """How much room the top line takes: blanks between its parts, and what of it is said."""

    gap: int
    named: bool = False
    source_in_short: bool = True
    age_in_short: bool = True
    counted: bool = True


_FORMS = (
    _Form(3, named=True, source_in_short=False, age_in_short=False),
    _Form(2, named=True, source_in_short=False, age_in_short=False),
    _Form(2, source_in_short=False, age_in_short=False),
    _Form(2, age_in_short=False),
    _Form(2),
    _Form(2, counted=False),  # the totals below have the number, too
)
"""The roomiest first. Account, range, source and age are in all of them."""
_SHORTEST_PART = 4
"""Cells that the account and the source keep where even the last form is too long."""
_SOURCE_WORDS = re.compile(r"(gateway|firectl) export|(REST) usage")


def age(since: datetime | None, now: datetime, *, in_short: bool = False) -> str:
    """How long ago, in the words people use."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}" + " ago" * (not in_short)
    return "now" if in_short else "just now"


class StatusLine(Painted, Widget):
    """Account, range and zone, number of events, source and age."""

    PART = "status"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--name", "status--strong", "status--quiet"}
    DEFAULT_CSS = """
    StatusLine {
        height: 1; dock: top; background: $panel;
        & > .status--name { color: $accent; background: $panel; text-style: bold; }
        & > .status--strong { color: $foreground; background: $panel; text-style: bold; }
        & > .status--quiet { color: $text-muted; background: $panel; }
    }
    """

    standing: reactive[Standing] = reactive(Standing())

    def on_mount(self) -> None:
        self.set_interval(30, self.refresh)

    def render_line(self, y: int) -> Strip:
        width, now = self.size.width, datetime.now(UTC)
        for form in _FORMS:
            parts = self._parts(form, now)
            over = 1 + sum(cells.width(text) for text, _ in parts) + form.gap * (len(parts) - 1) - width
            if over <= 0:
                break
        else:
            parts = self._parts(form, now, over=over)
        segments = [Segment(" ", self.part("quiet"))]
        for text, style in parts:
            segments += [Segment(text, style), Segment(" " * form.gap, self.part("quiet"))]
        return Strip(segments).adjust_cell_length(width, self.part("quiet"))

    def _parts(self, form: _Form, now: datetime, *, over: int = 0) -> list[tuple[str, Style]]:
        """What is said in that form; the account, and then the source, `over` cells shorter as far as that goes."""
        name, strong, quiet = map(self.part, ("name", "strong", "quiet"))
        standing = self.standing
        source, fetched = standing.source, age(standing.fetched_at, now, in_short=form.age_in_short)
        if form.source_in_short and (words := _SOURCE_WORDS.match(source)):
            source = (words[1] or words[2]) + source[words.end() :]
        account, left = _shortened(standing.account, over)
        source, _ = _shortened(source, left)
        events = f"{standing.events:,} {standing.rows}" if standing.events is not None and form.counted else ""
        parts = [("fwbill" * form.named, name), (account, strong), (standing.range, strong), (events, quiet)]
        parts.append((", ".join(filter(None, [source, fetched])), quiet))
        return [(text, style) for text, style in parts if text]


def _shortened(text: str, by: int) -> tuple[str, int]:
    """The text, so many cells shorter as far as that goes; and how many are left to save."""
    wide = cells.width(text)
    saved = max(0, min(by, wide - _SHORTEST_PART))
    return (cells.fit(text, wide - saved) if saved else text), by - saved


class NoticeLine(Painted, Widget):
    """What must not be overlooked (rejected rows, missing windows, a query that cannot be read), and after it, quieter,
    what is good to know about where the events are from. No room when there is neither, and more lines than one when
    that is too short; a click shows all of it.
    """

    PART = "notices"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"notices--note"}
    DEFAULT_CSS = """
    NoticeLine {
        height: auto; width: 1fr; display: none; padding: 0 1; background: $background; color: $text-warning;
        &.present { display: block; }
        & > .notices--note { color: $text-muted; }
    }
    """

    notices: reactive[tuple[str, ...]] = reactive(tuple)
    notes: reactive[tuple[str, ...]] = reactive(tuple)

    def watch_notices(self) -> None:
        self._make_room()

    def watch_notes(self) -> None:
        self._make_room()

    @property
    def whole(self) -> list[tuple[str, str]]:
        """Each text with its mark."""
        return [("⚠", text) for text in self.notices] + [("ℹ", text) for text in self.notes]

    def action_read_whole(self) -> None:
        """Show every text whole."""
        from fwbill_tui.tui.screens.row_detail import RowDetailScreen
        from fwbill_tui.tui.widgets.field_list import Field

        self.app.push_screen(RowDetailScreen([Field(*each) for each in self.whole], what="notices"))

    def on_click(self) -> None:
        self.action_read_whole()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width)) if width else 0

    def _make_room(self) -> None:
        self.set_class(bool(self.notices or self.notes), "present")
        if self.size.width and len(self._lines(self.size.width)) != self.size.height:
            self.refresh(layout=True)

    def _lines(self, width: int) -> list[list[tuple[str, bool]]]:
        """Pieces of text, and whether they are quiet. What is pressing and what is not share a line where they have room."""
        pressing = "⚠ " + " · ".join(self.notices) if self.notices else ""
        known = "ℹ " + " · ".join(self.notes) if self.notes else ""
        if pressing and known and cells.width(f"{pressing}   {known}") <= width:
            return [[(f"{pressing}   ", False), (known, True)]]
        lines = [(line, False) for line in cells.wrapped(pressing, width)]
        lines += [(line, True) for line in cells.wrapped(known, width)]
        if len(lines) > (most := max(_NOTICE_LINES, self.app.size.height // _NOTICE_SHARE)):
            *lines, (last, quiet) = lines[:most]
            lines.append((cells.fit(last + cells.ELLIPSIS, width), quiet))
        return [[line] for line in lines]

    def render_line(self, y: int) -> Strip:
        lines, styles = self._lines(self.size.width), (self.ground, self.part("note"))
        pieces = lines[y] if y < len(lines) else []
        return Strip([Segment(text, styles[quiet]) for text, quiet in pieces]).adjust_cell_length(self.size.width, self.ground)


_NOTICE_LINES, _NOTICE_SHARE = 3, 6
"""Lines that notices may take on any screen, and the part of a tall one that they may take: one in so many."""
