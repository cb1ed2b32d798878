"""Everything about one usage event, or about one group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.types import CSSPathType

from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.field_list import Field, FieldList
from fwbill_tui.usage.literal import literal


class RowDetailScreen(Dialog[None]):
    """Labels and whole values, one below the other."""

    HEADING = "Details"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "row_detail.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "cancel", "Close", show=False),
        Binding("escape", "cancel", "Close", key_display="esc"),
        Binding("Y", "copy_all", "Copy all", key_display="shift+y"),
    ]

    def __init__(self, fields: Sequence[Field], *, what: str = "usage event") -> None:
        """`what` is told in the heading."""
        super().__init__()
        self._fields = tuple(fields)
        self._what = what

    @property
    def heading(self) -> str:
        """The kind of row."""
        return self._what.capitalize()

    def compose_content(self) -> ComposeResult:
        """One line or more per field."""
        yield FieldList(self._fields, id="fields")

    @on(FieldList.Copied)
    def _on_copied(self, message: FieldList.Copied) -> None:
        said = f"{message.label} is empty: nothing is copied" if message.empty else f"{message.label} copied"
        self.notify(said, timeout=2, markup=False)

    def action_copy_all(self) -> None:
        """Copy every label and value, a line each."""
        self.app.copy_to_clipboard("\n".join(f"{literal(label)}: {literal(value)}" for label, value, _ in self._fields))
        self.notify(f"{len(self._fields)} values copied", timeout=2, markup=False)
