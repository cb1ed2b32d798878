"""Choose a column to sort by, where no cell says which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.fields import ChoiceList
from fwbill_tui.tui.widgets.usage_table_layout import ColumnSpec
from fwbill_tui.usage.query import SortKey


class SortDialog(Dialog[str]):
    """Columns with their present direction; dismisses with the name of one."""

    HEADING: ClassVar[str] = "Sort by"
    DEFAULT_CSS = """
    SortDialog #box { width: 44; }
    SortDialog ChoiceList { height: auto; max-height: 16; border: none; padding: 0 1; background: $surface; }
    """

    def __init__(self, columns: Sequence[ColumnSpec], sort: Sequence[SortKey]) -> None:
        super().__init__()
        self._columns = tuple(columns)
        self._sort = {key.column: ("▼ descending" if key.descending else "▲ ascending") for key in sort}

    def compose_content(self) -> ComposeResult:
        """One line per column on show."""
        yield ChoiceList(
            *(Option(Content(f"{spec.title:<24}{self._sort.get(spec.name, '')}"), id=spec.name) for spec in self._columns),
            markup=False,
        )

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
