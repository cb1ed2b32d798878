"""The line on top that says what is on show, and the one below it that says what is wrong or under way."""

from __future__ import annotations

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


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in the words people use."""
    if since is None:
        return ""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"


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
        name, strong, quiet = map(self.part, ("name", "strong", "quiet"))
        standing, width = self.standing, self.size.width
        source = ", ".join(filter(None, [standing.source, age(standing.fetched_at, datetime.now(UTC))]))
        events = f"{standing.events:,} events" if standing.events is not None else ""
        parts: list[tuple[str, Style]] = [("fwbill", name), (standing.account, strong), (standing.range, strong)]
        parts += [(events, quiet), (source, quiet)]
        parts = [(text, style) for text, style in parts if text]
        while sum(cells.width(text) + 3 for text, _ in parts) > width and len(parts) > 3:
            parts.pop()
        segments = [Segment(" ", quiet)]
        for text, style in parts:
            segments += [Segment(text, style), Segment("   ", quiet)]
        return Strip(segments).adjust_cell_length(width, quiet)


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
