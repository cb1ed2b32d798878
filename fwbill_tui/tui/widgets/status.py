"""The line on top that says what is on show, and the one below it that says what is wrong or under way."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
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


class _Form(NamedTuple):
    """How much room the top line takes: blanks between its parts, and what of it is said."""

    gap: int
    named: bool
    in_short: bool
    counted: bool


_FORMS = (
    _Form(3, named=True, in_short=False, counted=True),
    _Form(2, named=True, in_short=False, counted=True),
    _Form(2, named=False, in_short=False, counted=True),
    _Form(2, named=False, in_short=True, counted=True),
    _Form(2, named=False, in_short=True, counted=False),  # the totals below have the number, too
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
        source, fetched = standing.source, age(standing.fetched_at, now, in_short=form.in_short)
        if form.in_short and (words := _SOURCE_WORDS.match(source)):
            source = (words[1] or words[2]) + source[words.end() :]
        account, left = _shortened(standing.account, over)
        source, _ = _shortened(source, left)
        events = f"{standing.events:,} events" if standing.events is not None and form.counted else ""
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
    what is good to know about where the events are from. No room when there is neither.
    """

    PART = "notices"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"notices--note"}
    DEFAULT_CSS = """
    NoticeLine {
        height: 1; width: 1fr; display: none; padding: 0 1; background: $background; color: $text-warning;
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

    def _make_room(self) -> None:
        self.set_class(bool(self.notices or self.notes), "present")

    def render_line(self, y: int) -> Strip:
        pressing = "⚠ " + " · ".join(self.notices) if self.notices else ""
        known = "ℹ " + " · ".join(self.notes) if self.notes else ""
        width, between = self.size.width, "   " if pressing and known else ""
        room = max(0, width - cells.width(pressing + between))
        if room < min(_SHORTEST_NOTE, cells.width(known)):
            between, room = "", 0
        segments = [Segment(cells.fit(pressing, width - room - len(between)) + between, self.ground)] if pressing else []
        return Strip([*segments, Segment(cells.fit(known, room), self.part("note"))]).adjust_cell_length(width, self.ground)


_SHORTEST_NOTE = 20
"""With less room beside what is pressing, a note is left out."""
