"""Everything about one usage event, or about one group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.types import CSSPathType
from textual.widgets import Static

from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.usage.literal import literal


class Field(Horizontal, can_focus=True):
    """A label and its whole value; the mouse can select the value's text."""

    BINDING_GROUP_TITLE = "Value"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy value"),
        Binding("down,j", "app.focus_next", "Next value", show=False),
        Binding("up,k", "app.focus_previous", "Value before", show=False),
    ]

    def __init__(self, label: str, value: str) -> None:
        super().__init__()
        self.label, self.value = literal(label), literal(value)

    def compose(self) -> ComposeResult:
        """The label, then the value as it wraps."""
        yield Static(self.label, classes="label", markup=False)
        yield Static(self.value or "(empty)", classes="value" if self.value else "value caption", markup=False)

    def action_copy(self) -> None:
        """Copy the value, in its harmless form."""
        self.app.copy_to_clipboard(self.value)
        self.notify(f"{self.label} copied", timeout=2, markup=False)


class Fields(VerticalScroll, can_focus=False):
    """The fields, below each other; the focused one is always in view."""


class RowDetailScreen(Dialog[None]):
    """Labels and whole values, one below the other."""

    HEADING = "Details"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "row_detail.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "cancel", "Close", show=False),
        Binding("escape", "cancel", "Close", key_display="esc"),
        Binding("Y", "copy_all", "Copy all", key_display="⇧y"),
    ]

    def __init__(self, fields: Sequence[tuple[str, str]], *, what: str = "usage event") -> None:
        """`fields`: labels and whole values as text, '' for an empty one. `what` is told in the heading."""
        super().__init__()
        self._fields = tuple(fields)
        self._what = what

    @property
    def heading(self) -> str:
        """The kind of row."""
        return self._what.capitalize()

    def compose_content(self) -> ComposeResult:
        """One line or more per field."""
        with Fields(id="fields"):
            for label, value in self._fields:
                yield Field(label, value)

    def action_copy_all(self) -> None:
        """Copy every label and value, a line each."""
        self.app.copy_to_clipboard("\n".join(f"{literal(label)}: {literal(value)}" for label, value in self._fields))
        self.notify(f"{len(self._fields)} values copied", timeout=2, markup=False)
