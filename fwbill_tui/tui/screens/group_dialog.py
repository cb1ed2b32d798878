"""Group by one or two dimensions, or by hour, day, month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.types import CSSPathType
from textual.widgets.option_list import Option

from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.fields import MarkList
from fwbill_tui.usage.literal import literal
from fwbill_tui.usage.names import TIME_GROUPS

MOST = 2
LETTERS: Mapping[str, str] = {
    "usage_type": "t", "model": "m", "bucket": "b", "user": "u", "accelerator": "a", "hour": "h", "day": "d", "month": "o",
}  # fmt: skip
"""The letter that chooses a grouping at once; where the explorer has one for the dimension, it is the same."""


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """The groupings, the first one outermost; () for single events."""

    group_by: tuple[str, ...]


class GroupList(MarkList):
    """The groupings; `enter` applies. Letters are not for moving here, since they choose."""

    BINDING_GROUP_TITLE = "List of groupings"


class GroupDialog(Dialog[GroupChoice]):
    """Choose up to two groupings; the order in which they are chosen is the order of the columns.

    Where none was chosen, nor taken back, `enter` takes the one under the cursor.
    """

    HEADING = "Group by"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "group_dialog.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Choose"),
        Binding("x", "clear", "None", tooltip="Do not group: show single events"),
    ]

    def __init__(self, dimensions: Sequence[str], group_by: Sequence[str] = ()) -> None:
        """`dimensions`: those that can be grouped by; hour, day and month are always added."""
        super().__init__()
        self._names = [*dimensions, *(name for name in TIME_GROUPS if name not in dimensions)]
        self._chosen = [name for name in group_by if name in self._names]
        self._none_meant = False
        """Whether the user said that there is to be none."""
        further = (name for name in self._names if name not in LETTERS)
        self._keys = dict(LETTERS) | {name: str(number) for number, name in zip(range(1, 10), further, strict=False)}

    def compose_content(self) -> ComposeResult:
        """The groupings with their keys, and what is chosen."""
        yield GroupList(*(Option(self._line(name)) for name in self._names), id="groups", markup=False)
        yield Note(id="status")

    def on_mount(self) -> None:
        """Start at what is chosen."""
        self.query_one(GroupList).highlighted = self._names.index(self._chosen[0]) if self._chosen else 0
        self._say()

    def _line(self, name: str) -> Content:
        place = f"{self._chosen.index(name) + 1}" if name in self._chosen else " "
        said = name.replace("_", " ") if name in LETTERS else literal(name)
        return Content.assemble(f"[{place}] ", (f"{self._keys.get(name, ' ')}", "bold"), f"  {said}")

    def _paint(self) -> None:
        groups = self.query_one(GroupList)
        for index, name in enumerate(self._names):
            groups.replace_option_prompt_at_index(index, self._line(name))
        self._say()

    @on(GroupList.OptionHighlighted)
    def _follow(self) -> None:
        if not self._chosen:
            self._say()

    def _say(self) -> None:
        words = ", then by ".join(literal(name).replace("_", " ") for name in self._meant)
        said = f"by {words}" if self._chosen else f"not grouped; ↵ groups by {words}" if words else "not grouped: single events"
        self.query_one("#status", Note).say(said)

    @property
    def _meant(self) -> list[str]:
        return self._chosen or ([] if self._none_meant else [self._highlighted])

    @property
    def _highlighted(self) -> str:
        return self._names[self.query_one(GroupList).highlighted or 0]

    def on_key(self, event: Key) -> None:
        """A grouping's own letter chooses it."""
        name = next((name for name in self._names if self._keys.get(name) == event.character), None)
        if name is not None:
            event.stop()
            self.query_one(GroupList).highlighted = self._names.index(name)
            self._toggle(name)

    @on(GroupList.Clicked)
    def action_mark(self) -> None:
        """Choose the highlighted grouping, or take it back."""
        self._toggle(self._highlighted)

    def _toggle(self, name: str) -> None:
        if name in self._chosen:
            self._chosen.remove(name)
            self._none_meant = True
        elif len(self._chosen) == MOST:
            self.query_one("#status", Note).refuse("two groupings at most: take one back first, or x for none")
            return
        else:
            self._chosen.append(name)
        self._paint()

    def action_clear(self) -> None:
        """No grouping."""
        self._chosen.clear()
        self._none_meant = True
        self._paint()

    @on(GroupList.OptionSelected)
    def _apply(self) -> None:
        self.dismiss(GroupChoice(tuple(self._meant)))
