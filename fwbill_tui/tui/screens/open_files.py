"""Open exported files: type a path or a pattern, or walk the folders below it and mark files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.types import CSSPathType
from textual.widgets import Label
from textual.widgets.option_list import Option

from fwbill_tui.tui.bars import compact_bytes
from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.screens.open_files_listing import Entry, Listing, look
from fwbill_tui.tui.widgets.button import Button
from fwbill_tui.tui.widgets.fields import ChoiceList, Line
from fwbill_tui.usage.literal import literal


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """Files, folders and patterns to open, as on the command line."""

    arguments: tuple[str, ...]


class PathLine(Line):
    """A line for a path: `tab` completes it while it can, `down` goes to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", key_display="tab", tooltip="Complete the path, or go to the list"),
        Binding("down", "list", "List", show=False, tooltip="Go to the list"),
    ]

    class Complete(Message):
        """The user wants the path completed."""

    def action_list(self) -> None:
        """Go to the list."""
        self.screen.query_one(EntryList).focus()

    def action_complete(self) -> None:
        """Ask the screen, which knows what is there."""
        self.post_message(self.Complete())


class EntryList(ChoiceList):
    """Folders and files; files can be marked."""

    BINDING_GROUP_TITLE = "Files"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l", "select", "Open", key_display="↵"),
        Binding("space", "mark", "Mark file"),
        Binding("left,h,backspace", "up", "Up", key_display="←", tooltip="Go to the folder above"),
    ]

    @dataclass
    class Mark(Message):
        """Mark the option of this number, or take its mark away."""

        index: int

    class Up(Message):
        """Show the folder above."""

    def action_mark(self) -> None:
        """Mark the highlighted file."""
        if self.highlighted is not None:
            self.post_message(self.Mark(self.highlighted))

    def action_up(self) -> None:
        """Leave the folder."""
        self.post_message(self.Up())


class OpenFilesScreen(Dialog[OpenFiles]):
    """A line for paths and patterns, and what is there for it; several files are marked with `space`."""

    HEADING = "Open exported files"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "open_files.tcss"]

    @dataclass
    class Looked(Message):
        """What is there for what was typed."""

        listing: Listing

    def __init__(self, folder: Path) -> None:
        """Relative paths start at `folder`."""
        super().__init__()
        self._folder = folder
        self._listing = Listing("")
        self._looking = False
        self._marked: dict[Path, int] = {}
        """Marked files and their sizes."""
        self._awaited: str | None = None
        """What is to be opened once it has been looked for."""

    def compose_content(self) -> ComposeResult:
        """The line, what is there, and what would be opened."""
        yield Label(
            f"CSV (also .gz, .zst) or Parquet. Paths start at {literal(str(self._folder))}", classes="caption", markup=False
        )
        yield PathLine(placeholder="usage.csv   exports/   exports/2026-*.csv.gz", id="path")
        yield EntryList(id="entries", markup=False)
        yield Note(id="status")

    def compose_buttons(self) -> ComposeResult:
        """For the marked files."""
        yield Button("Open marked", variant="primary", id="open", disabled=True)

    def on_mount(self) -> None:
        """Show the folder."""
        self._look()

    # -- looking: one at a time in a thread, the newest text wins ----------------------------------------------------
    @on(Line.Changed, "#path")
    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            typed = self.query_one("#path", Line).value
            self.run_worker(partial(self._look_in_thread, typed), thread=True, group="look")

    def _look_in_thread(self, typed: str) -> None:
        self.post_message(self.Looked(look(typed, self._folder)))

    def on_open_files_screen_looked(self, message: Looked) -> None:
        """Show what is there, unless more was typed meanwhile."""
        self._looking = False
        if message.listing.typed != self.query_one("#path", Line).value:
            self._look()
            return
        awaited, self._awaited, self._listing = self._awaited, None, message.listing
        entries = self.query_one("#entries", EntryList)
        entries.clear_options()
        entries.add_options(Option(self._shown(entry)) for entry in self._listing.entries)
        entries.highlighted = 0 if self._listing.entries else None
        self._say()
        if awaited == self._listing.typed:
            self._open_listed()

    def _say(self) -> None:
        note, listing = self.query_one("#status", Note), self._listing
        button = self.query_one("#open", Button)
        button.disabled = not self._marked
        if self._marked:
            number, size = len(self._marked), compact_bytes(sum(self._marked.values()))
            note.say(f"{number} {'file' if number == 1 else 'files'} marked, {size}")
        elif listing.problem:
            note.refuse(listing.problem)
        elif listing.more:
            note.say(f"↵ opens all files that match, more than the {len(listing.entries)} listed")
        elif listing.pattern and listing.entries:
            size = compact_bytes(sum(entry.size for entry in listing.entries))
            note.say(f"↵ opens the {len(listing.entries)} files that match, {size}")
        elif listing.pattern:
            note.say("↵ opens all files that match, in folders below too")
        else:
            note.say("" if listing.opens is None else f"↵ opens {literal(listing.typed)}")

    def _shown(self, entry: Entry) -> Content:
        if entry.folder:
            return Content.assemble("  ", (literal(entry.name), "bold"))
        mark = "■" if entry.path in self._marked else "□"
        return Content.assemble(f"{mark} {literal(entry.name)}  ", (compact_bytes(entry.size), "$text-muted"))

    # -- walking -----------------------------------------------------------------------------------------------------
    @on(PathLine.Complete)
    def _complete(self) -> None:
        listing, line = self._listing, self.query_one("#path", Line)
        if listing.typed == line.value and listing.entries and not listing.pattern:
            begun = listing.typed.rpartition("/")[2]
            ending = _common_start([entry.name for entry in listing.entries])
            if ending.casefold().startswith(begun.casefold()) and len(ending) > len(begun):
                self._write(listing.typed[: len(listing.typed) - len(begun)] + ending)
                return
        self.query_one("#entries").focus()

    @on(EntryList.Up)
    def _up(self) -> None:
        typed = self.query_one("#path", Line).value
        above, _, last = typed.rstrip("/").rpartition("/")
        inside = typed and not typed.endswith("/")  # of a name begun, go to the folder it is in
        if inside or (last and last not in {"..", "~"}):
            self._write(f"{above}/" if above or typed.startswith("/") else "")
        else:
            self._write(f"{typed or ''}../" if typed != "~/" else f"{Path.home().parent}/".replace("//", "/"))

    def _write(self, text: str) -> None:
        line = self.query_one("#path", Line)
        line.value = text
        line.cursor_position = len(text)

    # -- marking and opening -----------------------------------------------------------------------------------------
    @on(EntryList.Mark)
    def _mark(self, event: EntryList.Mark) -> None:
        entry = self._listing.entries[event.index]
        if entry.folder:
            self.app.bell()
            return
        if self._marked.pop(entry.path, None) is None:
            self._marked[entry.path] = entry.size
        entries = self.query_one("#entries", EntryList)
        entries.replace_option_prompt_at_index(event.index, self._shown(entry))
        if event.index + 1 < entries.option_count:
            entries.highlighted = event.index + 1
        self._say()

    @on(EntryList.OptionSelected, "#entries")
    def _take(self, event: EntryList.OptionSelected) -> None:
        entry, typed = self._listing.entries[event.option_index], self._listing.typed
        if entry.folder:
            self._write(typed[: len(typed) - len(typed.rpartition("/")[2])] + entry.name)
        else:
            self._open(self._marked or {entry.path: entry.size})

    @on(Line.Submitted, "#path")
    def _open_typed(self) -> None:
        typed = self.query_one("#path", Line).value
        if not typed and self._marked:
            self._open(self._marked)
            return
        if self._listing.typed == typed:
            self._open_listed()
        else:
            self._awaited = typed

    def _open_listed(self) -> None:
        """Open what the line says, which has been looked for."""
        listing, typed = self._listing, self._listing.typed
        if listing.opens is not None:
            self.dismiss(OpenFiles((listing.opens,)))
        elif typed:
            self.query_one("#status", Note).refuse(listing.problem or f"there is no file {literal(typed)}: go on typing, or tab")
        else:
            self.query_one("#entries").focus()

    @on(Button.Pressed, "#open")
    def _open_marked(self) -> None:
        self._open(self._marked)

    def _open(self, files: dict[Path, int]) -> None:
        self.dismiss(OpenFiles(tuple(str(path) for path in sorted(files))))


def _common_start(names: list[str]) -> str:
    """What all of the names begin with; the first and the last of them in order differ soonest."""
    first, last = min(names), max(names)
    return first[: next((number for number, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))]
