"""A calendar of one or two months in which a stretch of days is chosen.

Ours because `textual-timepiece` 0.7, the one range picker on the index that runs on Textual 8.2, is wider than 80 columns, tells
the chosen stretch by colour and slant alone, and turns its pages only through arrows in its header.
"""

from __future__ import annotations

from calendar import Calendar as WeekCalendar
from calendar import month_name
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.usage.query import QueryError
from fwbill_tui.usage.zones import FIRST_YEAR, check_date, months_later

if TYPE_CHECKING:
    from fwbill_tui.archive.manifest import DayState

STATE_MARKS: Mapping[str, str] = {"have": " ", "provisional": "~", "missing": "·"}

_weeks = lru_cache(maxsize=32)(WeekCalendar().monthdatescalendar)
_MONTH_WIDTH = 22  # seven days of two digits, and a mark before, between and after them
_GAP = 4
_ROWS = 8  # month, weekdays, six weeks


class RangeCalendar(Painted, Widget, can_focus=True):
    """Choose the first and the last day of a stretch: `enter`, a click, and the same again.

    The stretch stands in brackets, so that it can be seen without colours. After the first pick the stretch follows the cursor.
    """

    PART = "calendar"
    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "Calendar"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "pick", "Pick day", key_display="↵", tooltip="Pick the first day, then the last"),
        Binding("left,h", "move(-1)", "Day back", show=False),
        Binding("right,l", "move(1)", "Day on", show=False),
        Binding("up,k", "move(-7)", "Week back", show=False),
        Binding("down,j", "move(7)", "Week on", show=False),
        Binding("pageup", "month(-1)", "Month", key_display="PgUp/PgDn", tooltip="One month back"),
        Binding("pagedown", "month(1)", "Month on", show=False),
        Binding("shift+pageup,ctrl+pageup", "month(-12)", "Year back", show=False),
        Binding("shift+pagedown,ctrl+pagedown", "month(12)", "Year on", show=False),
        Binding("home", "edge(False)", "First of the month", show=False),
        Binding("end", "edge(True)", "Last of the month", show=False),
        Binding("t", "today", "Today", show=False),
        Binding("escape", "take_back", "Take pick back"),
    ]
    DEFAULT_CSS = """
    RangeCalendar {
        width: 1fr;
        height: auto;
        padding: 0 1;
        text-wrap: nowrap;
        border: tall $border-blurred;
        &:focus { border: tall $border; }
        .calendar--month { text-style: bold; }
        .calendar--weekday { color: $text-muted; }
        .calendar--chosen { background: $primary-muted; color: $foreground; text-style: bold; }
        .calendar--missing { text-style: dim; }
        .calendar--today { text-style: underline; }
        .calendar--cursor { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "calendar--month", "calendar--weekday", "calendar--chosen", "calendar--cursor", "calendar--today", "calendar--missing",
    }  # fmt: skip

    @dataclass
    class Picked(Message):
        """A stretch was picked; `complete` once its second end is. Both ends are included."""

        first: date
        last: date
        complete: bool

    cursor: reactive[date] = reactive(date(1970, 1, 1))
    stretch: reactive[tuple[date, date] | None] = reactive(None)
    """First and last chosen day."""

    class TakenBack(Message):
        """The end that was picked is none any more."""

    first_pick: reactive[date | None] = reactive(None)
    """The end that was picked first, while the other is still open."""

    def __init__(
        self,
        *,
        today: date,
        stretch: tuple[date, date] | None = None,
        day_states: Mapping[date, DayState] | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self.today = today
        self._states = day_states
        self._top = today.replace(day=1)
        """The first of the month shown first."""
        self.set_reactive(RangeCalendar.cursor, today)
        self.set_reactive(RangeCalendar.stretch, stretch)

    # -- what is shown -----------------------------------------------------------------------------------------------
    @property
    def months(self) -> int:
        """How many months fit beside each other: one or two."""
        return 2 if self.size.width >= 2 * _MONTH_WIDTH + _GAP else 1

    def show_stretch(self, stretch: tuple[date, date] | None) -> None:
        """Mark another stretch and bring its end into view; a pick under way is given up."""
        self.first_pick = None
        self.stretch = stretch
        if stretch is not None:
            self.cursor = min(stretch[1], max(stretch[0], self.today))
            self._turn_to(self.cursor.replace(day=1))

    def watch_cursor(self) -> None:
        """Turn the pages when the cursor leaves them: the month it comes to is then the nearest of those shown."""
        month = self.cursor.replace(day=1)
        if month < self._top:
            self._top = month
        elif month > months_later(self._top, self.months - 1):
            self._turn_to(month)

    def on_resize(self) -> None:
        """One month less or more."""
        self._turn_to(self.cursor.replace(day=1))
        self.refresh()

    def _turn_to(self, month: date) -> None:
        """Show a month as the last of those that fit."""
        earlier = self.months - 1 if month > date(FIRST_YEAR, 1, 1) else 0
        self._top = months_later(month, -earlier)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The months, and what the marks of days mean."""
        return _ROWS + (2 if self._states else 0)

    def render_line(self, y: int) -> Strip:
        """A line of the months side by side."""
        if y < _ROWS:
            pages = [self._page_line(months_later(self._top, number), y) for number in range(self.months)]
            gap = Segment(" " * _GAP, self.ground)
            return Strip([segment for page in pages for segment in (*page, gap)][:-1])
        meant = f"{STATE_MARKS['missing']} not fetched   {STATE_MARKS['provisional']} may still grow"
        return Strip([Segment(meant if self._states and y == _ROWS + 1 else "", self.ground)])

    def _shown(self) -> tuple[date, date] | None:
        return self.stretch if self.first_pick is None else (min(self.first_pick, self.cursor), max(self.first_pick, self.cursor))

    def _page_line(self, top: date, y: int) -> list[Segment]:
        """One line of one month; all are of equal width."""
        if y == 0:
            return [Segment(f"{month_name[top.month]} {top.year}".center(_MONTH_WIDTH), self._style("month"))]
        if y == 1:
            return [Segment(" Mo Tu We Th Fr Sa Su ", self._style("weekday"))]
        weeks = _weeks(top.year, top.month)
        if y - 2 >= len(weeks):
            return [Segment(" " * _MONTH_WIDTH, self.ground)]
        return self._week([day if day.month == top.month else None for day in weeks[y - 2]])

    def _week(self, days: list[date | None]) -> list[Segment]:
        segments = []
        for before, day in pairwise([None, *days]):
            segments.append(self._mark(before, day))
            segments.append(Segment("  ", self.ground) if day is None else Segment(f"{day.day:2}", self._day_style(day)))
        return [*segments, self._mark(days[-1], None)]

    def _mark(self, before: date | None, after: date | None) -> Segment:
        """What stands between two days: a bracket of the stretch, or else what is known about the day before it."""
        chosen = self._style("chosen")
        shown = self._shown()
        if shown is not None and before == shown[1]:
            return Segment("]", chosen)
        if shown is not None and after == shown[0]:
            return Segment("[", chosen)
        known = STATE_MARKS[self._state(before)] if before is not None else " "
        return Segment(known, chosen if self._inside(before) and self._inside(after) else self.ground)

    def _state(self, day: date) -> DayState:
        """What is kept of a day. Of those that are still to come nothing can be."""
        return self._states.get(day, "missing") if self._states and day <= self.today else "have"

    def _inside(self, day: date | None) -> bool:
        shown = self._shown()
        return day is not None and shown is not None and shown[0] <= day <= shown[1]

    def _day_style(self, day: date) -> Style:
        names = ["chosen"] if self._inside(day) else []
        if self._state(day) == "missing":
            names.append("missing")
        if day == self.today:
            names.append("today")
        if day == self.cursor and self.has_focus:
            names.append("cursor")
        return self._style(*names) if names else self.ground

    def _style(self, *names: str) -> Style:
        """Several parts over each other."""
        together = " ".join(names)
        style = self._styles_of_parts.get(together)
        if style is None:
            seen = self.get_visual_style(*(f"{self.PART}--{name}" for name in names))
            style = self._styles_of_parts[together] = seen.rich_style
        return style

    # -- moving and picking ------------------------------------------------------------------------------------------
    def action_move(self, days: int) -> None:
        """Move the cursor by days."""
        self._go(lambda: self.cursor + timedelta(days=days))

    def action_month(self, months: int) -> None:
        """Move the cursor by months."""
        self._go(lambda: months_later(self.cursor, months))

    def action_edge(self, last: bool) -> None:
        """Go to the first or the last day of the month."""
        first = self.cursor.replace(day=1)
        self._go(lambda: months_later(first, 1) - timedelta(days=1) if last else first)

    def action_today(self) -> None:
        """Go to today."""
        self.cursor = self.today

    def _go(self, target: Callable[[], date]) -> None:
        try:
            self.cursor = check_date(target())
        except (QueryError, OverflowError):
            self.app.bell()

    def action_pick(self) -> None:
        """Pick the day under the cursor as an end of the stretch."""
        if self.first_pick is None:
            self.first_pick = self.cursor
            self.stretch = (self.cursor, self.cursor)
            self.post_message(self.Picked(self.cursor, self.cursor, complete=False))
            return
        first, last = min(self.first_pick, self.cursor), max(self.first_pick, self.cursor)
        self.first_pick, self.stretch = None, (first, last)
        self.post_message(self.Picked(first, last, complete=True))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`escape` is ours only while a pick is under way."""
        return self.first_pick is not None if action == "take_back" else True

    def action_take_back(self) -> None:
        """Forget the end that was picked."""
        self.first_pick = None
        self.post_message(self.TakenBack())

    def watch_first_pick(self) -> None:
        """The keys that apply have changed."""
        self.refresh_bindings()

    def on_click(self, event: Click) -> None:
        """Pick the day under the mouse."""
        offset = event.get_content_offset(self)
        day = None if offset is None else self._day_at(offset.x, offset.y)
        if day is not None:
            self.cursor = day
            self.action_pick()

    def _day_at(self, x: int, y: int) -> date | None:
        page, column = divmod(x, _MONTH_WIDTH + _GAP)
        if page >= self.months or not 0 < column < _MONTH_WIDTH - 1 or y < 2:
            return None
        top = months_later(self._top, page)
        weeks = _weeks(top.year, top.month)
        if y - 2 >= len(weeks):
            return None
        day = weeks[y - 2][min(column // 3, 6)]
        return day if day.month == top.month else None

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """A month on."""
        event.stop()
        self.action_month(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """A month back."""
        event.stop()
        self.action_month(-1)
