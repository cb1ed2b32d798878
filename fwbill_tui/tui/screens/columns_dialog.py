"""Which columns the table shows, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets.option_list import Option

from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.fields import MarkList
from fwbill_tui.usage.literal import literal


@dataclass(frozen=True, slots=True)
class ColumnsChoice:
    """The columns to show, in order; None: those that are not empty throughout, in their usual order."""

    columns: tuple[str, ...] | None


class ColumnList(MarkList):
    """The columns; `enter` applies."""

    BINDING_GROUP_TITLE = "List of columns"


class ColumnsDialog(Dialog[ColumnsChoice]):
    """Show, hide and move columns; the shown ones stand first at the start."""

    HEADING = "Columns"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "columns_dialog.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Show/hide"),
        Binding("shift+up,K", "shift(-1)", "Move", key_display="shift+↑↓", tooltip="Move the column to the left"),
        Binding("shift+down,J", "shift(1)", "Move on", show=False, tooltip="Move the column to the right"),
        Binding("a", "show_all", "All"),
        Binding("r", "reset", "Reset", tooltip="Show those that are not empty, in their usual order"),
    ]

    def __init__(
        self, columns: Sequence[str], shown: Sequence[str], *, usual: Sequence[str], empty: Collection[str] = ()
    ) -> None:
        """`columns`: all of them. `shown`: those on show, in their order; `usual`: where nobody chose. `empty`: throughout."""
        super().__init__()
        self._columns = tuple(columns)
        self._usual = tuple(usual)
        self._empty = frozenset(empty)
        self._order = self._in_front(shown)
        self._shown = set(shown)
        self._reset = False
        """Whether the choice is still the one that `reset` gave."""

    def _in_front(self, shown: Sequence[str]) -> list[str]:
        return [*shown, *(column for column in self._columns if column not in shown)]

    def compose_content(self) -> ComposeResult:
        """The list, and how many are shown."""
        yield ColumnList(*(Option(self._line(column)) for column in self._order), id="columns", markup=False)
        yield Note(id="status")

    def on_mount(self) -> None:
        """Start at the first column."""
        self.query_one(ColumnList).highlighted = 0
        self._say()

    def _line(self, column: str) -> Content:
        mark = "■" if column in self._shown else "□"
        return Content.assemble(f"{mark} {literal(column)}", ("  empty" if column in self._empty else "", "$text-muted"))

    def _paint(self) -> None:
        columns = self.query_one(ColumnList)
        for index, column in enumerate(self._order):
            columns.replace_option_prompt_at_index(index, self._line(column))
        self._say()

    def _say(self) -> None:
        self.query_one("#status", Note).say(f"{len(self._shown)} of {len(self._order)} shown, from left to right")

    @property
    def _cursor(self) -> int:
        return self.query_one(ColumnList).highlighted or 0

    @on(ColumnList.Clicked)
    def action_mark(self) -> None:
        """Show or hide the highlighted column."""
        self._reset = False
        self._shown ^= {self._order[self._cursor]}
        self._paint()

    def action_shift(self, by: int) -> None:
        """Move the highlighted column."""
        here, there = self._cursor, self._cursor + by
        if not 0 <= there < len(self._order):
            self.app.bell()
            return
        self._reset = False
        self._order[here], self._order[there] = self._order[there], self._order[here]
        self._paint()
        self.query_one(ColumnList).highlighted = there

    def action_show_all(self) -> None:
        """Show every column."""
        self._reset = False
        self._shown = set(self._order)
        self._paint()

    def action_reset(self) -> None:
        """As it is when nobody chose."""
        self._reset = True
        self._order = self._in_front(self._usual)
        self._shown = set(self._usual)
        self._paint()

    @on(ColumnList.OptionSelected)
    def _apply(self) -> None:
        if not self._shown:
            self.query_one("#status", Note).refuse("a table needs at least one column: show one with space")
            return
        chosen = tuple(column for column in self._order if column in self._shown)
        self.dismiss(ColumnsChoice(None if self._reset else chosen))
