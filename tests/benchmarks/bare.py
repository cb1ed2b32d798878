"""Bare Textual apps, the floors of what is on screen: `python bare.py start` and `python bare.py table FILE COLUMNS ROWS`.

`start` is the least that a Textual app can be. `table` is a Line-API table of the given size on the events of a Parquet
file, newest first: it formats the rows on screen with one `str.format` and paints each with one segment.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

if TYPE_CHECKING:
    import polars as pl

_COLUMNS = (
    "start_time", "usage_type", "base_model_name", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "email",
    "accelerator_type", "accelerator_seconds",
)  # fmt: skip
_FORM = "{!s:19.19}  {!s:12.12}  {!s:12.12}  {!s:>9.9}  {!s:>9.9}  {!s:>9.9}  {!s:12.12}  {!s:12.12}  {!s:>9.9}"


class BareApp(App[None]):
    """An app that says one word."""

    def compose(self) -> ComposeResult:
        yield Static("ready")


class BareTable(ScrollView, can_focus=True):
    """Rows of a frame from its end, a cursor, and nothing else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)"), Binding("down", "move(1)"), Binding("pageup", "page(-1)"), Binding("pagedown", "page(1)"),
        Binding("home", "move(-1000000000)"), Binding("end", "move(1000000000)"),
    ]  # fmt: skip
    _PLAIN, _CURSOR = Style.parse("white on black"), Style.parse("black on white")

    def __init__(self, frame: pl.DataFrame) -> None:
        super().__init__()
        self._frame = frame
        self._at = 0
        self._top = -1
        self._texts: list[str] = []

    def on_mount(self) -> None:
        self.virtual_size = Size(self.size.width, self._frame.height)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, self._frame.height)
        self._top = -1

    def render_line(self, y: int) -> Strip:
        top, width = self.scroll_offset.y, self.scrollable_content_region.width
        if top != self._top:
            self._top, height = top, self._frame.height
            shown = min(self.size.height, height - top)
            rows = self._frame.slice(height - top - shown, shown).rows()
            self._texts = [_FORM.format(*row).replace("None", "    ") for row in reversed(rows)]
        text = self._texts[y] if y < len(self._texts) else ""
        style = self._CURSOR if top + y == self._at else self._PLAIN
        return Strip([Segment(text[:width].ljust(width), style)], width)

    def _move(self, to: int, top: int) -> None:
        before, self._at = self._at, max(0, min(to, self._frame.height - 1))
        height = self.size.height
        top = max(self._at - height + 1, min(top, self._at, self._frame.height - height))
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)
        else:
            for row in (before, self._at):
                self.refresh_line(row)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._move(self._at + rows, self.scroll_offset.y)

    def action_page(self, pages: int) -> None:
        """Move cursor and screen by screens."""
        rows = pages * self.size.height
        self._move(self._at + rows, max(0, self.scroll_offset.y + rows))


class BareTableApp(App[None]):
    """A table of a given size in an otherwise empty screen."""

    def __init__(self, frame: pl.DataFrame, columns: int, rows: int) -> None:
        super().__init__()
        self._frame, self._columns, self._rows = frame, columns, rows

    def compose(self) -> ComposeResult:
        table = BareTable(self._frame)
        table.styles.width, table.styles.height = self._columns, self._rows
        yield table


def main() -> None:
    """Run the app that is named."""
    if sys.argv[1] == "start":
        BareApp().run()
        return
    import polars as pl

    _, _, path, columns, rows = sys.argv
    BareTableApp(pl.read_parquet(path, columns=list(_COLUMNS)).select(_COLUMNS), int(columns), int(rows)).run()


if __name__ == "__main__":
    main()
