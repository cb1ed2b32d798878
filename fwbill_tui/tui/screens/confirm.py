"""Ask before something is lost."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.types import CSSPathType

from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.button import Button
from fwbill_tui.usage.literal import literal


class ConfirmScreen(Dialog[bool]):
    """A question with two answers; dismisses with True, False, or None on `esc`. `enter` takes the harmless one at first."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "confirm.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n", "answer(False)", "No"),
        Binding("left,right", "app.focus_next", "Other answer", show=False),
    ]

    def __init__(self, question: str, *, yes: str = "Replace", no: str = "Keep") -> None:
        """The question may contain names from the data; it is shown literally."""
        super().__init__()
        self._question = question
        self._labels = yes, no
        for key, action, label in (("y", "answer(True)", yes), ("n", "answer(False)", no)):
            self._bindings.key_to_bindings[key] = [Binding(key, action, label)]

    @property
    def heading(self) -> str:
        return f"{self._labels[0]}?"

    def compose_content(self) -> ComposeResult:
        """The question."""
        yield Note(literal(self._question), id="question")

    def compose_buttons(self) -> ComposeResult:
        """The harmless answer first, so that it has the focus."""
        yes, no = self._labels
        yield Button(no, id="no")
        yield Button(yes, variant="error", id="yes")

    @on(Button.Pressed, "#yes")
    def _yes(self) -> None:
        self.dismiss(True)

    @on(Button.Pressed, "#no")
    def _no(self) -> None:
        self.dismiss(False)

    def action_answer(self, answer: bool) -> None:
        """Answer by a letter."""
        self.dismiss(answer)
