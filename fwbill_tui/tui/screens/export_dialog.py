"""Choose what is saved, as what, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.message import Message
from textual.types import CSSPathType
from textual.widgets import Label

from fwbill_tui.export.endings import ENDINGS, FOREIGN_ENDINGS, Format, listed_endings
from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.confirm import ConfirmScreen
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.button import Button
from fwbill_tui.tui.widgets.checkbox import Check
from fwbill_tui.tui.widgets.choices import OneOf
from fwbill_tui.tui.widgets.fields import Line
from fwbill_tui.usage.literal import literal

Scope = Literal["shown", "range"]
"""What is shown, with its filters, order and grouping; or every event of the range."""
ColumnChoice = Literal["visible", "all"]

_FORMATS: Mapping[str, str] = {"csv": "CSV", "parquet": "Parquet", "ndjson": "newline JSON"}
_FORMAT_OF = {ending: kind for kind, endings in ENDINGS.items() for ending in endings}


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What to write. `overwrite` is True only when the user said so for this very path."""

    scope: Scope
    columns: ColumnChoice
    format: Format
    path: Path
    neutralise_formulas: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class ExportSizes:
    """How much there is to write: rows and columns as they are shown, and in all. `what` the rows are; `groups`: what is shown
    are groups of them."""

    shown_rows: int
    all_rows: int
    visible_columns: int
    all_columns: int
    groups: bool = False
    what: str = "events"


class ExportDialog(Dialog[ExportChoice]):
    """Dismisses with an ExportChoice whose path can be written as far as can be seen; writes nothing itself."""

    HEADING = "Export"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "export_dialog.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "export", "Export", key_display="↵"),
        Binding("ctrl+s", "export", "Export", show=False),
    ]

    @dataclass
    class Looked(Message):
        """Whether the file can be written: a problem, or whether something is there already."""

        choice: ExportChoice
        problem: str
        exists: bool

    def __init__(self, sizes: ExportSizes, folder: Path, name_of: Callable[[Scope, Format], str], *, note: str = "") -> None:
        """`name_of` names the file until the user does; `note` is a warning, such as that the events are not all there are."""
        super().__init__()
        self.sizes = sizes
        self._folder = folder
        self._name_of = name_of
        self._note = note
        self._suggested = name_of("shown", "csv")

    def compose_content(self) -> ComposeResult:
        """Rows, columns, format, file; then what would be written."""
        sizes = self.sizes
        with Grid(id="choices"):
            yield Label("Rows", classes="caption")
            yield OneOf(_scopes(sizes), "shown", stacked=True, id="scope")
            yield Label("Columns", classes="caption")
            yield OneOf(_columns(sizes), "visible", id="columns")
            yield Label("Format", classes="caption")
            yield OneOf(_FORMATS, "csv", id="format")
            yield Label("", classes="caption")
            yield Check("make cells harmless that a spreadsheet would run (= + - @)", id="neutralise")
            yield Label("File", classes="caption")
            yield Line(self._suggested, select_on_focus=False, id="path")
        yield Note(id="status")

    def compose_buttons(self) -> ComposeResult:
        """For the mouse."""
        yield Button("Export", variant="primary", id="export")

    def on_mount(self) -> None:
        """Say what would be written; it may be other than when the parts were made."""
        self._say_sizes()

    def follow(self, sizes: ExportSizes, note: str) -> None:
        """Take what would be written as it is by now."""
        self.sizes, self._note = sizes, note
        if self.is_mounted and self.is_attached:
            self._say_sizes()

    def _say_sizes(self) -> None:
        self.query_one("#scope", OneOf).relabel(_scopes(self.sizes))
        self.query_one("#columns", OneOf).relabel(_columns(self.sizes))
        self._show()

    @property
    def _choice(self) -> ExportChoice:
        kind = cast("Format", self.query_one("#format", OneOf).value)
        return ExportChoice(
            cast("Scope", self.query_one("#scope", OneOf).value),
            cast("ColumnChoice", self.query_one("#columns", OneOf).value),
            kind,
            Path(self.query_one("#path", Line).value.strip()),
            self.query_one("#neutralise", Check).value and kind == "csv",
        )

    @on(OneOf.Changed)
    def _show(self) -> None:
        """Follow the choices: the suggested name, what applies, what would be written."""
        choice, sizes, line = self._choice, self.sizes, self.query_one("#path", Line)
        suggested = self._name_of(choice.scope, choice.format)
        typed = Path(line.value.strip())
        if line.value == self._suggested:
            name = suggested
        elif _FORMAT_OF.get(typed.suffix.lower(), choice.format) != choice.format:
            name = str(typed.with_suffix(ENDINGS[choice.format][0]))
        else:
            name = line.value
        if name != line.value:
            line.value = name
            line.cursor_position = len(name)
        self._suggested = suggested
        groups = sizes.groups and choice.scope == "shown"
        self.query_one("#columns", OneOf).disabled = groups
        self.query_one("#neutralise", Check).disabled = choice.format != "csv"
        rows = sizes.shown_rows if choice.scope == "shown" else sizes.all_rows
        columns = sizes.visible_columns if choice.columns == "visible" else sizes.all_columns
        what = f"{rows:,} groups with all measures" if groups else f"{rows:,} {sizes.what}, {columns} columns"
        self.query_one("#status", Note).say(f"Writes {what}." + (f" ⚠ {literal(self._note)}" if self._note else ""))

    @on(Line.Changed, "#path")
    def _follow_name(self, message: Line.Changed) -> None:
        """A name that ends as those of another format do asks for that one."""
        message.stop()
        if kind := _FORMAT_OF.get(Path(message.value.strip()).suffix.lower()):
            self.query_one("#format", OneOf).value = kind

    # -- leaving -----------------------------------------------------------------------------------------------------
    @on(Line.Submitted)
    @on(Button.Pressed, "#export")
    def action_export(self) -> None:
        """Look whether the file can be written, and leave or ask."""
        choice, typed = self._choice, self.query_one("#path", Line).value.strip()
        if not typed or typed.endswith("/") or "\0" in typed:
            self.query_one("#status", Note).refuse("write a file name")
            return
        if (ending := choice.path.suffix.lower()) in FOREIGN_ENDINGS and (ending, choice.format) != (".json", "ndjson"):
            self.query_one("#status", Note).refuse(f"no {ending} is written: use a name that ends in {listed_endings()}")
            return
        self.run_worker(partial(self._look, choice), thread=True, exclusive=True, group="look")

    def _look(self, choice: ExportChoice) -> None:
        """In a worker's thread: the folder may be on a slow disk."""
        problem, exists = "", False
        try:
            path = self._folder / choice.path.expanduser()
            choice = replace(choice, path=path)
            if path.is_dir():
                problem = f"{path} is a folder: write a file name"
            elif not path.parent.is_dir():
                problem = f"there is no folder {path.parent}: choose another, or make it first"
            exists = path.exists() or path.is_symlink()
        except (OSError, RuntimeError) as error:  # RuntimeError: no such user behind ~
            problem = f"{choice.path}: {getattr(error, 'strerror', None) or error}"
        self.post_message(self.Looked(choice, problem, exists))

    def on_export_dialog_looked(self, message: Looked) -> None:
        """Leave, ask, or say why not."""
        if message.problem:
            self.query_one("#status", Note).refuse(literal(message.problem))
        elif not message.exists:
            self.dismiss(message.choice)
        else:
            choice = message.choice

            def leave(replace_it: bool | None) -> None:
                if replace_it:
                    self.dismiss(replace(choice, overwrite=True))

            self.app.push_screen(ConfirmScreen(f"{choice.path.name} is there already. Replace it?"), leave)


def _scopes(sizes: ExportSizes) -> dict[str, str]:
    width, rows = len(f"{max(sizes.shown_rows, sizes.all_rows):,}"), "groups" if sizes.groups else sizes.what
    return {
        "shown": f"what is shown            {sizes.shown_rows:>{width},} {rows}",
        "range": f"everything in the range  {sizes.all_rows:>{width},} {sizes.what}",
    }


def _columns(sizes: ExportSizes) -> dict[str, str]:
    return {"visible": f"visible ({sizes.visible_columns})", "all": f"all ({sizes.all_columns})"}
