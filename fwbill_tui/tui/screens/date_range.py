"""Choose a range of days or times, and the time zone whose days they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.types import CSSPathType
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.button import Button
from fwbill_tui.tui.widgets.calendar import RangeCalendar
from fwbill_tui.tui.widgets.fields import ChoiceList, Line
from fwbill_tui.tui.widgets.painted import Columns, Rows
from fwbill_tui.usage.query import QueryError, TimeRange
from fwbill_tui.usage.ranges import (
    PRESETS,
    describe_length,
    describe_span,
    parse_range,
    range_text,
    whole_days,
)
from fwbill_tui.usage.zones import local_date, zone_name, zone_names

if TYPE_CHECKING:
    from fwbill_tui.archive.manifest import DayState


@dataclass(frozen=True, slots=True)
class DateRangeChoice:
    """A range, and the zone in which its days were cut."""

    range: TimeRange
    time_zone: str


class RangeLine(Line):
    """A range in words."""

    TYPED = (
        ("7d  3w  mtd", "days or weeks up to today; the month to date"),
        ("last week", "also yesterday, this month, last quarter"),
        ("oct  2026-10  q3  2026", "a month, a quarter, a year"),
        ("10-01..10-15", "first and last day; years may stand before them"),
        ("10-01..  ..10-15", "from a day on, up to a day"),
        ("2026-10-01 12:00..14:30", "to the minute, in the zone that is chosen"),
        ("everything", "from the first event to the last"),
    )


class DateRangeScreen(Dialog[DateRangeChoice]):
    """Presets, a line to type in, and a calendar; they all speak through the line, which is read at every keystroke."""

    HEADING = "Date range"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "date_range.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "apply", "Apply", key_display="^s", show=False),
        Binding("tab", "app.focus_next", "Next part", key_display="tab"),
    ]

    def __init__(
        self,
        time_range: TimeRange,
        time_zone: str,
        *,
        now: datetime,
        open_sides: bool = True,
        day_states: Mapping[date, DayState] | None = None,
    ) -> None:
        """`now` says which day is today; `open_sides=False` refuses a range without a first or last day."""
        super().__init__()
        self._now = now
        self._open_sides = open_sides
        self._states = day_states
        self._choice: DateRangeChoice | None = DateRangeChoice(time_range, time_zone)
        self._zone = time_zone
        self._typed: tuple[str, str] | None = None
        self._before_pick = ""
        """What the line said before an end was picked."""
        self._presets = [preset for preset in PRESETS if open_sides or preset.word != "everything"]

    def compose_content(self) -> ComposeResult:
        """Range and zone above, presets and calendar below."""
        assert self._choice is not None
        choice = self._choice
        days = whole_days(choice.range, choice.time_zone)
        with Columns(id="typed"):
            with Rows(id="range-part"):
                yield Label("Range", classes="caption")
                yield RangeLine(
                    range_text(choice.range, choice.time_zone), placeholder="7d  mtd  2026-10  10-01..10-15", id="range"
                )
            with Rows(id="zone-part"):
                yield Label("Time zone", classes="caption")
                suggester = SuggestFromList(zone_names(), case_sensitive=False)
                yield Line(choice.time_zone, suggester=suggester, id="zone")
        yield Note(id="reading")
        with Columns(id="picked"):
            yield ChoiceList(*(Option(preset.label, preset.word) for preset in self._presets), id="presets", markup=False)
            yield RangeCalendar(today=self._today(), stretch=days, day_states=self._states, id="calendar")

    def compose_buttons(self) -> ComposeResult:
        """For the mouse, and where the calendar leads when both ends are picked."""
        yield Button("Apply", variant="primary", id="apply")

    def on_mount(self) -> None:
        """Read what is there already."""
        calendar = self.query_one(RangeCalendar)
        calendar.show_stretch(calendar.stretch)
        self._read()

    def _today(self) -> date:
        return local_date(self._now, self._zone)

    # -- from the line to everything else ----------------------------------------------------------------------------
    @on(Input.Changed)
    def _read(self) -> None:
        """Read the line and the zone, and say what they mean or why they cannot be."""
        typed = self.query_one("#range", Input).value, self.query_one("#zone", Input).value
        if typed == self._typed:
            return
        self._typed = typed
        note = self.query_one("#reading", Note)
        self._choice = None
        try:
            self._zone = zone_name(typed[1])
            time_range = parse_range(typed[0], today=self._today(), time_zone=self._zone)
            if not self._open_sides and None in (time_range.start, time_range.end):
                raise QueryError("the range needs a first and a last day, as in 2026-10-01..2026-10-15")
        except QueryError as error:
            note.refuse(str(error))
        else:
            self._choice = DateRangeChoice(time_range, self._zone)
            note.say(self._meaning(time_range))
        self._mark_presets()
        self._mark_calendar()

    def _meaning(self, time_range: TimeRange) -> str:
        parts = [describe_span(time_range, self._zone), describe_length(time_range, self._zone), self._zone]
        if time_range.start is not None and time_range.start > self._now:
            parts.append("all of it is still to come")
        return " · ".join(part for part in parts if part)

    def _mark_calendar(self) -> None:
        calendar = self.query_one(RangeCalendar)
        calendar.today = self._today()
        days = None if self._choice is None else whole_days(self._choice.range, self._zone)
        if calendar.first_pick is None and calendar.stretch != days:
            calendar.show_stretch(days)

    def _mark_presets(self) -> None:
        presets = self.query_one("#presets", OptionList)
        typed = None if self._choice is None else self._choice.range
        meant = [parse_range(preset.word, today=self._today(), time_zone=self._zone) == typed for preset in self._presets]
        for preset, chosen in zip(self._presets, meant, strict=True):
            presets.replace_option_prompt(preset.word, Content(f"{'●' if chosen else '○'} {preset.label}"))
        if not presets.has_focus:
            presets.highlighted = meant.index(True) if True in meant else None

    # -- from everything else to the line ----------------------------------------------------------------------------
    @on(OptionList.OptionHighlighted, "#presets")
    def _preview_preset(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list.has_focus and event.option.id is not None:
            self._write(event.option.id)

    @on(OptionList.OptionSelected, "#presets")
    def _take_preset(self, event: OptionList.OptionSelected) -> None:
        if event.option.id is not None:
            self._write(event.option.id)
            self._read()
            self.action_apply()

    @on(RangeCalendar.Picked)
    def _take_days(self, event: RangeCalendar.Picked) -> None:
        if not event.complete:
            self._before_pick = self.query_one("#range", Input).value
        self._write(str(event.first) if event.first == event.last else f"{event.first}..{event.last}")
        if event.complete:
            self.query_one("#apply", Button).focus()

    @on(RangeCalendar.TakenBack)
    def _take_back(self) -> None:
        self._write(self._before_pick)

    def _write(self, text: str) -> None:
        line = self.query_one("#range", Input)
        line.value = text
        line.cursor_position = len(text)

    # -- leaving -----------------------------------------------------------------------------------------------------
    @on(Input.Submitted)
    @on(Button.Pressed, "#apply")
    def action_apply(self) -> None:
        """Take what the line says, unless it cannot be."""
        self._read()
        if self._choice is None:
            self.app.bell()
        else:
            self.dismiss(self._choice)
