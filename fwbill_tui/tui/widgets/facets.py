"""The facets: every dimension's values with the number of events behind each, to choose from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive, reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fwbill_tui.tui import cells
from fwbill_tui.tui.bars import share_bar
from fwbill_tui.tui.cells import fit
from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.tui.widgets.scroll_bar import SteadyBars
from fwbill_tui.usage.answers import Facet, FacetValue

TITLES = {
    "usage_type": "Usage type",
    "model": "Model",
    "bucket": "Bucket",
    "user": "User",
    "accelerator": "Accelerator",
}
_ORDER = ("usage_type", "model", "user", "accelerator")
_FEW = 6
"""Values shown of a facet that is not the current one."""
_SHORTENED = ("model", "usage_type")
"""Dimensions whose values are not shown whole."""
_MOST_SEGMENTS = 8
_NONE = -1
_MARKS = {"free": "  ", "off": "□ ", "chosen": "■ ", "excluded": "✗ "}


def _place(dimension: str) -> int:
    """The facets with a key of their own first, then the others as they come."""
    return _ORDER.index(dimension) if dimension in _ORDER else len(_ORDER)


def title_of(dimension: str) -> str:
    """How a dimension is called on screen; a further column has its own name."""
    return TITLES.get(dimension) or cells.label(dimension)


def shown_value(dimension: str, value: str) -> str:
    """A value as people read it: models by their last segment, usage types in words, an empty cell as such."""
    if not value:
        return "(empty)"
    read = {"model": cells.path, "usage_type": cells.usage_type}.get(dimension, cells.label)
    return read(value)


def shown_values(dimension: str, values: Sequence[str]) -> dict[str, str]:
    """Each value as people read it, those that would read alike with as many of their last segments as tell them apart."""
    shown = {value: shown_value(dimension, value) for value in values}
    alike = _alike(shown)
    for segments in range(2, _MOST_SEGMENTS):
        if not alike:
            break
        tails = {value: "/".join(value.rstrip("/").split("/")[-segments:]) for value in alike}
        shown |= {value: cells.label(tail) for value, tail in tails.items()}
        alike = _alike(tails)
    return shown | {value: cells.label(value) for value in alike}


def _alike(shown: Mapping[str, str]) -> list[str]:
    counts = Counter(shown.values())
    return [value for value, text in shown.items() if value and counts[text] > 1]


class _Line(NamedTuple):
    """One line: a title, a value, the count of those not shown (`more` > 0), or that there is none (`more` is _NONE)."""

    dimension: str
    value: FacetValue | None = None
    more: int = 0
    most: int = 0
    """The events of the facet's largest value."""
    restricted: bool = False
    """Whether values of the facet are chosen."""


class FacetPanel(SteadyBars, Painted, ScrollView, can_focus=True):
    """Facet counts under all the other filters. Typing narrows the current facet; the counts follow every query.

    Bindings work while the panel has the focus; letters narrow, so that single-letter keys of the explorer wait until
    the focus is back on the table.
    """

    PART = "facets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "ten up", show=False),
        Binding("pagedown", "move(10)", "ten down", show=False),
        Binding("home", "move(-1000000)", "first value", show=False),
        Binding("end", "move(1000000)", "last value", show=False),
        Binding("left", "turn(-1)", "previous facet", show=False),
        Binding("right", "turn(1)", "next facet", show=False),
        Binding("space", "pick", "toggle"),
        Binding("enter", "only", "only this"),
        Binding("exclamation_mark", "exclude", "exclude", key_display="!"),
        Binding("delete", "lift", "any value"),
        Binding("backspace", "shorten", "take a letter back", show=False),
        Binding("escape", "widen", "clear", tooltip="clear the letters"),
        Binding("escape", "leave", "back", tooltip="back to the table"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "facets--title", "facets--title-current", "facets--value", "facets--chosen", "facets--excluded", "facets--count",
        "facets--bar", "facets--cursor", "facets--quiet",
    }  # fmt: skip
    DEFAULT_CSS = """
    FacetPanel {
        width: 34; height: 1fr; background: $background; padding: 0 0 0 1; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-background: $background; scrollbar-color: $surface-lighten-2;
        & > .facets--title { color: $text-muted; text-style: bold; }
        & > .facets--title-current { color: $accent; text-style: bold; }
        & > .facets--value { color: $foreground; }
        & > .facets--chosen { color: $foreground; text-style: bold; }
        & > .facets--excluded { color: $text-muted; text-style: strike; }
        & > .facets--count { color: $text-muted; }
        & > .facets--bar { color: $primary; }
        & > .facets--quiet { color: $text-disabled; }
        & > .facets--cursor { background: $primary; color: $background; text-style: bold; }
    }
    """

    class Toggled(Message):
        """A value was chosen, or its choice taken back."""

        def __init__(self, dimension: str, value: str) -> None:
            super().__init__()
            self.dimension, self.value = dimension, value

    class Only(Toggled):
        """Just this value is asked for."""

    class Excluded(Toggled):
        """This value is to be left out, or no longer."""

    class Lifted(Message):
        """No restriction on this dimension any more."""

        def __init__(self, dimension: str) -> None:
            super().__init__()
            self.dimension = dimension

    class Left(Message):
        """The panel is done with; the focus goes back to the table."""

    facets: reactive[dict[str, Facet]] = reactive(dict, repaint=False)
    virtual_size = Reactive(Size(0, 0), layout=False)
    """More lines need no other layout, unless the scroll bar comes or goes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own parameter
        super().__init__(id=id)
        self._current = "usage_type"
        self._narrow = ""
        self._cursor = 0
        self._lines: list[_Line] = []
        self._unfocused: tuple[list[_Line], int] | None = None
        self._pressed: _Line | None = None
        self._shown: dict[str, dict[str, str]] = {}
        self._matching: tuple[Facet | None, str, list[FacetValue]] = (None, "", [])
        """The facet and the letters that values were last asked for, and those values."""

    # -- state coming down ---------------------------------------------------------------------------------------------
    def go_to(self, dimension: str) -> None:
        """Make a facet the current one, from its first value, and take the focus."""
        self._turn_to(dimension)
        self.screen.set_focus(self)  # at once: the next letter is meant for this panel

    def watch_virtual_size(self, size: Size) -> None:
        self._scroll_update(size)

    def watch_facets(self) -> None:
        if self._current not in self.facets and self.facets:
            self._current = next(iter(self.facets))
        shortened = (self.facets[dimension] for dimension in _SHORTENED if dimension in self.facets)
        shown = {one.dimension: shown_values(one.dimension, [each.value for each in one.values]) for one in shortened}
        if shown != self._shown:
            self._shown = shown
            self.refresh()
        before, cursor = self._lines, self._cursor_line()
        self._set_lines(self._laid_out())
        width, top = self.size.width, self.scroll_offset.y
        seen = slice(top, top + self.size.height)
        changed = {top + line for line, (old, new) in enumerate(zip_longest(before[seen], self._lines[seen])) if old != new}
        lines = sorted(changed | {cursor, self._cursor_line()})
        self.refresh(*(Region(0, line - top, width, 1) for line in lines))  # of each by itself, it takes a millisecond

    def on_resize(self) -> None:
        self._lay_out()

    def on_focus(self) -> None:
        self._unfocused = self._lines, self.scroll_offset.y  # a click that brings the focus was aimed at these
        self.call_next(self._forget_unfocused)
        self._lay_out()

    def on_blur(self) -> None:
        self._narrow_to("", cursor=self._cursor)

    # -- what can be seen ----------------------------------------------------------------------------------------------
    def _values(self) -> list[FacetValue]:
        """The current facet's values under what was typed."""
        facet = self.facets.get(self._current)
        if facet is None:
            return []
        if self._matching[0] is not facet or self._matching[1] != self._narrow:
            wanted = self._narrow.casefold()
            fits = (value for value in facet.values if wanted in self._text(facet.dimension, value.value).casefold())
            self._matching = facet, self._narrow, list(fits if wanted else facet.values)
        return self._matching[2]

    def _text(self, dimension: str, value: str) -> str:
        return self._shown[dimension][value] if dimension in self._shown else shown_value(dimension, value)

    def _laid_out(self) -> list[_Line]:
        lines: list[_Line] = []
        for dimension in sorted(self.facets, key=_place):
            facet = self.facets[dimension]
            if not facet.values or (len(facet.values) == 1 and not facet.values[0].value):
                continue
            lines.append(_Line(dimension))
            if current := dimension == self._current and self.has_focus:
                shown = self._values()
            else:
                few = _FEW + (len(facet.values) == _FEW + 1)  # the last one takes no more room than that there is one
                shown = [value for index, value in enumerate(facet.values) if index < few or value.chosen or value.excluded]
            most = max(value.events for value in facet.values)
            restricted = any(value.chosen for value in facet.values)
            lines += [_Line(dimension, value, most=most, restricted=restricted) for value in shown]
            if current and not shown:
                lines.append(_Line(dimension, more=_NONE))
            if not current and len(facet.values) > len(shown):
                lines.append(_Line(dimension, more=len(facet.values) - len(shown)))
        return lines

    def _lay_out(self) -> None:
        self._set_lines(self._laid_out())
        self.refresh()

    def _set_lines(self, lines: list[_Line]) -> None:
        self._lines = lines
        self._cursor = max(0, min(self._cursor, len(self._values()) - 1))
        self.virtual_size = Size(self.size.width, len(lines))
        self._follow()

    def _cursor_line(self) -> int:
        first = next((index for index, line in enumerate(self._lines) if line.dimension == self._current and line.value), 0)
        return first + self._cursor

    def _follow(self) -> None:
        if self.has_focus and self._lines:
            line = self._cursor_line()
            top = line - 1 if self._cursor == 0 else line
            self.scroll_to_region(Region(0, max(0, top), 1, 2 if self._cursor == 0 else 1), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if index >= len(self._lines):
            return Strip.blank(width, self.ground)
        line = self._lines[index]
        if line.value is None:
            return self._title(line, width) if not line.more else self._rest(line, width)
        return self._value(line, line.value, width, at_cursor=self.has_focus and index == self._cursor_line())

    def _title(self, line: _Line, width: int) -> Strip:
        current = self.has_focus and line.dimension == self._current
        text = title_of(line.dimension)
        if current:
            text = f"▸ {text}"
            text += f" / {self._narrow}▏" if self._narrow else "  type to narrow"
        return Strip([Segment(fit(text, width), self.part("title-current" if current else "title"))], width)

    def _rest(self, line: _Line, width: int) -> Strip:
        said = "  nothing matches" if line.more == _NONE else f"  … {line.more:,} more"
        return Strip([Segment(fit(said, width), self.part("quiet"))], width)

    def _value(self, line: _Line, value: FacetValue, width: int, *, at_cursor: bool) -> Strip:
        state = "chosen" if value.chosen else "excluded" if value.excluded else "off" if line.restricted else "free"
        count = cells.count(value.events).rjust(len(cells.count(line.most)))
        bar_width = 4 if width >= 28 else 0
        label_width = max(4, width - 2 - bar_width - 2 - len(count) - 1)
        label = fit(self._text(line.dimension, value.value), label_width)
        bar = share_bar(value.events, line.most, bar_width)
        if at_cursor:
            text = fit(f"{_MARKS[state]}{label} {bar} {count} ", width)
            return Strip([Segment(text, self.part("cursor"))], width)
        quiet = not value.events
        name = "quiet" if quiet else state if state in ("chosen", "excluded") else "value"
        segments = [
            Segment(_MARKS[state], self.part("chosen" if state == "chosen" else "quiet" if state == "free" else "value")),
            Segment(f"{label} ", self.part(name)),
            Segment(bar, self.part("bar")),
            Segment(f" {count} ", self.part("quiet" if quiet else "count")),
        ]
        return Strip(segments).adjust_cell_length(width, self.ground)

    # -- keys and mouse ------------------------------------------------------------------------------------------------
    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters narrow the facet; space, ! and ? are keys here as well."""
        return character is not None and character.isprintable() and character not in " !?"

    def on_key(self, event: events.Key) -> None:
        if self.check_consume_key(event.key, event.character):
            event.stop()
            event.prevent_default()
            self._narrow_to(self._narrow + (event.character or ""))

    def _forget_unfocused(self) -> None:
        self._unfocused = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        lines, top = self._unfocused or (self._lines, self.scroll_offset.y)
        index = event.y + top
        self._pressed = lines[index] if index < len(lines) else None

    def on_click(self, event: events.Click) -> None:
        line = self._pressed
        if line is None:
            return
        if line.value is None:
            self._turn_to(line.dimension)
        else:
            self._put_cursor(line.dimension, line.value)
            picked = self.Excluded if event.shift else self.Toggled
            self.post_message(picked(line.dimension, line.value.value))
            self.scroll_to(y=self._cursor_line() - event.y, animate=False, force=True)  # it stays under the mouse

    def _turn_to(self, dimension: str) -> None:
        self._current = dimension
        self._narrow_to("")

    def _put_cursor(self, dimension: str, value: FacetValue) -> None:
        if dimension != self._current:
            self._turn_to(dimension)
        self._cursor = next((place for place, one in enumerate(self._values()) if one.value == value.value), 0)
        self.refresh()

    def _at_cursor(self) -> FacetValue | None:
        values = self._values()
        return values[self._cursor] if self._cursor < len(values) else None

    def action_move(self, by: int) -> None:
        """Move the cursor within the current facet."""
        self._cursor = max(0, min(self._cursor + by, len(self._values()) - 1))
        self._follow()
        self.refresh()

    def action_turn(self, by: int) -> None:
        """Make the facet before or after the current one."""
        shown = list(dict.fromkeys(line.dimension for line in self._lines))
        if shown:
            here = shown.index(self._current) if self._current in shown else 0
            self._turn_to(shown[(here + by) % len(shown)])

    def action_pick(self) -> None:
        """Choose the value under the cursor, or take the choice back."""
        if (value := self._at_cursor()) is not None:
            self.post_message(self.Toggled(self._current, value.value))

    def action_only(self) -> None:
        """Ask for the value under the cursor alone."""
        if (value := self._at_cursor()) is not None:
            self.post_message(self.Only(self._current, value.value))

    def action_exclude(self) -> None:
        """Leave the value under the cursor out, or no longer."""
        if (value := self._at_cursor()) is not None:
            self.post_message(self.Excluded(self._current, value.value))

    def action_lift(self) -> None:
        """Lift the restriction on the current facet."""
        self.post_message(self.Lifted(self._current))

    def action_shorten(self) -> None:
        """Take back the last letter of what narrows the facet."""
        self._narrow_to(self._narrow[:-1])

    def _narrow_to(self, typed: str, cursor: int = 0) -> None:
        """Show the values of the current facet that have the letters."""
        turned = bool(typed) != bool(self._narrow)
        self._narrow, self._cursor = typed, cursor
        self._lay_out()
        if turned:  # what escape does
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`escape` shows all values again before it leads back to the table."""
        return bool(self._narrow) if action == "widen" else True

    def action_widen(self) -> None:
        """Clear what was typed."""
        self._narrow_to("")

    def action_leave(self) -> None:
        """Go back to the table."""
        self.post_message(self.Left())
