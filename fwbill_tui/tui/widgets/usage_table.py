"""The usage table: a window onto a frame of any length that formats what is on screen and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fwbill_tui.tui.cells import ELLIPSIS
from fwbill_tui.tui.widgets.painted import Line, Painted
from fwbill_tui.tui.widgets.scroll_bar import SteadyBars
from fwbill_tui.tui.widgets.usage_table_layout import ColumnSpec, Layout, Slot, column_at, header_text, lay_out
from fwbill_tui.tui.widgets.usage_table_paint import COMPONENTS, Palette, paint_cells, paint_text, with_more
from fwbill_tui.tui.widgets.usage_table_rows import NO_ROWS, TableRows
from fwbill_tui.usage.query import SortKey

HEADER = 1
"""Lines above the rows."""

LINES_KEPT = 1000
"""Painted lines kept for scrolling back over them."""


class UsageTable(SteadyBars, Painted, ScrollView, can_focus=True):
    """Rows of a Polars frame under a header that stays, with a row cursor and, on demand, a cell cursor.

    It opens on ten million rows as fast as on ten. What it shows is given by `show`; what the user does comes up as
    messages. Positions count the rows as they are shown; a row is a row of the frame.
    """

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Row up", show=False),
        Binding("down,j", "move(1)", "Row down", show=False),
        Binding("left,h", "move_cell(-1)", "Cell left", show=False),
        Binding("right,l", "move_cell(1)", "Cell right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,ctrl+home", "first", "First row", show=False),
        Binding("end,ctrl+end", "last", "Last row", show=False),
        Binding("enter", "select", "Details", show=False),
        Binding("escape", "whole_row", "Back", show=False, tooltip="out of cells, a group, a load, a search"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | up, k | Move the cursor to the row above. |
    | down, j | Move the cursor to the row below. |
    | right, l | Enter the row's cells, then move to the cell at the right. |
    | left, h | Move to the cell at the left; from the first one back to the whole row. |
    | pageup | Move one screen up. |
    | pagedown | Move one screen down. |
    | home, ctrl+home | Move to the first row. |
    | end, ctrl+end | Move to the last row. |
    | enter | Select the row. |
    | escape | Leave the cells: back to the whole row. |
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    """
    | Class | Description |
    | :- | :- |
    | `usage-table--header` | The header line. |
    | `usage-table--sorted` | Titles of the columns that are sorted by. |
    | `usage-table--odd-row` | Every second row. |
    | `usage-table--even-row` | The other rows. |
    | `usage-table--cursor` | The row under the cursor, or the cell once there is a cell cursor. |
    | `usage-table--cursor-row` | The rest of the row beside a cell cursor. |
    | `usage-table--empty` | The text shown in place of rows when there are none. |
    """

    DEFAULT_CSS = """
    UsageTable {
        background: $surface;
        color: $foreground;
        overflow-y: scroll;
        overflow-x: auto;
        scrollbar-size-vertical: 1;

        & > .usage-table--header { background: $panel; color: $foreground; text-style: bold; }
        & > .usage-table--sorted { background: $panel; color: $text-accent; text-style: bold; }
        & > .usage-table--even-row { background: $surface; color: $foreground; }
        & > .usage-table--odd-row { background: $boost; color: $foreground; }
        & > .usage-table--empty { background: $surface; color: $text-muted; }
        & > .usage-table--cursor {
            background: $block-cursor-blurred-background;
            color: $block-cursor-blurred-foreground;
            text-style: $block-cursor-blurred-text-style;
        }
        & > .usage-table--cursor-row { background: $boost; color: $foreground; text-style: bold; }

        &:focus > .usage-table--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        &:focus > .usage-table--cursor-row { background: $block-cursor-blurred-background; }

        &:nocolor > .usage-table--sorted { text-style: bold underline; }
        &:nocolor > .usage-table--cursor { text-style: underline; }
        &:nocolor:focus > .usage-table--cursor { text-style: bold reverse; }
    }
    """

    class _FromTable(Message):
        def __init__(self, table: UsageTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> UsageTable:
            """The table it comes from."""
            return self.table

    class CursorMoved(_FromTable):
        """The cursor is on another row or cell, moved by the user or because other rows are shown."""

        def __init__(self, table: UsageTable, position: int | None, row: int | None, column: str | None) -> None:
            super().__init__(table)
            self.position = position
            """Where the row is shown, from 0; None when there are no rows."""
            self.row = row
            """The row of the frame; None when there are no rows, or it is still to come."""
            self.column = column
            """The name of the cell's column; None when the cursor is on the whole row."""

    class RowSelected(_FromTable):
        """A row was chosen, by `enter` or a double click."""

        def __init__(self, table: UsageTable, position: int, row: int, values: Mapping[str, Any]) -> None:
            super().__init__(table)
            self.position = position
            """Where the row is shown, from 0."""
            self.row = row
            """The row of the frame."""
            self.values = values
            """What the frame has in that row: others may be shown by the time this is read."""

    class HeaderClicked(_FromTable):
        """A column's title was clicked."""

        def __init__(self, table: UsageTable, column: str, extend: bool) -> None:
            super().__init__(table)
            self.column = column
            """The name of the column."""
            self.extend = extend
            """Whether shift or ctrl was held (many terminals keep shift for themselves): a further sort key is meant."""

    virtual_size = Reactive(Size(0, 0), layout=False)
    """Other rows need no other layout of the screen, unless a scroll bar comes or goes; then that asks for one."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._rows: TableRows = NO_ROWS
        self._titles: tuple[str, ...] = ()
        self._sorted: frozenset[int] = frozenset()
        self._empty = ""
        self._layout_now = Layout()
        self._slots: tuple[Slot, ...] = ()
        self._position = 0
        self._cell: str | None = None
        self._told: tuple[int | None, int | None, str | None] | None = None
        self._lines: dict[int, Line] = {}
        self._palette: Palette | None = None
        self._painted_in: tuple[Style, ...] = ()
        self._area = Size(0, 0)

    # -- what is shown -----------------------------------------------------------------------------------------------
    def show(
        self,
        frame: pl.DataFrame,
        order: pl.Series | None,
        columns: Sequence[ColumnSpec],
        *,
        sort: Sequence[SortKey] = (),
        time_zone: str = "UTC",
        cursor: int | None = None,
        line: int | None = None,
        begin: int = 0,
        total_rows: int | None = None,
        empty: str = "",
        widths_anew: bool = False,
    ) -> None:
        """Show other rows, columns or an other order.

        Args:
            frame: The rows; only those on screen are read.
            order: Row positions of the frame as an integer Series, in the order shown; None for the frame's own order.
            columns: The columns, frozen ones first.
            sort: The sort keys, for the badges in the header; they name columns as `columns` does.
            time_zone: The zone in which times are written.
            cursor: The position of the row to put the cursor on; it stays on the same line of the screen if that is
                possible. None puts the cursor on the first row.
            line: The line to put it on, if not the one it is on.
            begin: The position of the first row of `order`.
            total_rows: How many rows there will be, when `order` is only a part. The others are drawn as `…`.
            empty: What to say when there are no rows.
            widths_anew: Forget what other rows of the same columns needed.
        """
        kinds = [(column.name, column.kind) for column in columns]
        same = kinds == [(column.name, column.kind) for column in self._rows.columns]
        needs = self._rows.needs if same and not widths_anew else ()
        line = self._position - self.top if line is None else line
        if frame is not self._rows.frame:
            self._told = None
        self._rows = TableRows(
            frame, order, columns, time_zone=time_zone, begin=begin, total=total_rows, needs=needs
        )  # fmt: skip
        self._titles = tuple(header_text(column, sort, time_zone) for column in columns)
        by = {key.column for key in sort}
        self._sorted = frozenset(index for index, column in enumerate(columns) if column.name in by)
        self._empty = empty
        if self._cell not in {column.name for column in columns}:
            self._cell = None
        self._position = max(0, min(cursor or 0, self._rows.total - 1))
        self.virtual_size = Size(self._layout_now.total, self._rows.total + HEADER)
        if not 0 <= line < self.visible_rows:
            line = self.visible_rows // 2
        self._scroll_rows(self._position - line if cursor else 0)
        self._lay_out()
        self.virtual_size = Size(self._layout_now.total, self._rows.total + HEADER)
        self.refresh()
        self._tell()

    def complete(self, order: pl.Series | None) -> None:
        """Take the whole order for rows of which `show` had a part. What is on screen stays; only `…` is painted anew."""
        rows = self._rows
        self._rows = rows.completed(order)
        if self.top < rows.begin or self.top + self.visible_rows > rows.end:
            self._lay_out()
            self.refresh()
        self._tell()

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The columns on show, in order."""
        return self._rows.columns

    @property
    def total_rows(self) -> int:
        """How many rows are shown, those still to come included."""
        return self._rows.total

    @property
    def top(self) -> int:
        """The position of the first row on screen."""
        return self.scroll_offset.y

    @property
    def visible_rows(self) -> int:
        """How many rows fit on the screen."""
        return max(0, self.scrollable_size.height - HEADER)

    # -- the cursor --------------------------------------------------------------------------------------------------
    @property
    def cursor(self) -> int | None:
        """The position of the row under the cursor; None when there are no rows."""
        return self._position if self._rows.total else None

    @property
    def cursor_row(self) -> int | None:
        """The frame's row under the cursor; None when there are no rows, or it is still to come."""
        return self._rows.row_of(self.cursor)

    @property
    def cursor_cell(self) -> tuple[str, object] | None:
        """Column and value of the cell under the cell cursor, as the frame holds it; None when there is none."""
        row = self.cursor_row
        if row is None or self._cell is None:
            return None
        return self._cell, self._rows.frame.get_column(self._cell)[row]

    def move_cursor(self, position: int, column: str | None = None) -> None:
        """Put the cursor on a row, as near as there is one, and on one of its cells or (None) the whole row."""
        before = self._position
        self._position = max(0, min(position, self._rows.total - 1))
        self._cell = column
        for changed in {before, self._position}:
            if self.top <= changed < self.top + self.visible_rows:
                self.refresh_line(changed + HEADER)
        self._reveal()
        self._tell()

    def _cell_index(self) -> int | None:
        return next((index for index, column in enumerate(self.columns) if column.name == self._cell), None)

    def _reveal(self) -> None:
        """Scroll as little as it takes to have the cursor on screen."""
        if self._position < self.top:
            self._scroll_rows(self._position)
        elif self._position >= self.top + self.visible_rows:
            self._scroll_rows(self._position - self.visible_rows + 1)
        if (column := self._cell_index()) is not None:
            x = self._layout_now.scroll_to(column, self.scroll_offset.x, self._area.width)
            self.scroll_to(x=x, force=True)

    def _scroll_rows(self, top: int) -> None:
        if self.scrollable_size.height:
            self.scroll_to(y=top, force=True)

    def _tell(self) -> None:
        now = (self.cursor, self.cursor_row, self._cell)
        if now != self._told:
            self._told = now
            self.post_message(self.CursorMoved(self, *now))

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.move_cursor(self._position + rows, self._cell)

    def action_page(self, pages: int) -> None:
        """Move cursor and screen by whole screens."""
        rows = pages * max(1, self.visible_rows)
        self._scroll_rows(self.top + rows)
        self.move_cursor(self._position + rows, self._cell)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.move_cursor(0, self._cell)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.move_cursor(self._rows.total - 1, self._cell)

    def action_move_cell(self, cells: int) -> None:
        """Move the cell cursor; at the left of the first cell is the whole row."""
        now = self._cell_index()
        index = (-1 if now is None else now) + cells
        if index < len(self.columns):
            self.move_cursor(self._position, self.columns[index].name if index >= 0 else None)

    def action_whole_row(self) -> None:
        """Leave the cells for the whole row."""
        if self._cell is None:
            raise SkipAction
        self.move_cursor(self._position)

    def action_select(self) -> None:
        """Select the row under the cursor."""
        if (row := self.cursor_row) is not None:
            self.post_message(self.RowSelected(self, self._position, row, self._rows.frame.row(row, named=True)))

    # -- the mouse ---------------------------------------------------------------------------------------------------
    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the cell under the mouse, select its row, or say that a title was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        column = column_at(self._slots, offset.x)
        name = None if column is None else self.columns[column].name
        position = self.top + offset.y - HEADER
        if offset.y < HEADER:
            if name is not None:
                self.post_message(self.HeaderClicked(self, name, event.shift or event.ctrl))
        elif position < self._rows.total:
            self.move_cursor(position, name)
            if event.chain == 2:
                self.action_select()

    def watch_virtual_size(self, size: Size) -> None:
        """Bring the scroll bars up to other rows."""
        self._scroll_update(size)

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once: an animation over millions of rows would read thousands of them only to pass by."""
        super().scroll_to(x, y, **{**options, "animate": False})

    # -- painting ----------------------------------------------------------------------------------------------------
    def notify_style_update(self) -> None:
        """Paint in the new colours."""
        super().notify_style_update()
        self._palette = None
        self.refresh()

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Other columns are in sight."""
        self._slots = self._layout_now.slots(round(new_value), self._area.width)
        self._lines.clear()
        super().watch_scroll_x(old_value, new_value)

    def _lay_out(self) -> None:
        """Give the columns their widths for the rows on screen."""
        self._area = self.scrollable_size
        self._rows.read(self.top, self.top + self.visible_rows)
        self._layout_now = lay_out(self.columns, self._titles, self._rows.needs, self._area.width)
        self._slots = self._layout_now.slots(self.scroll_offset.x, self._area.width)
        self._lines.clear()

    def _settle(self, in_sight: bool) -> None:
        """Bring the scroll bars up to a new layout; a cursor that was in sight stays so."""
        self.virtual_size = Size(self._layout_now.total, self._rows.total + HEADER)
        if in_sight:
            self._reveal()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Read what came on screen in one go, then paint it."""
        if len(self._lines) > LINES_KEPT:
            self._lines.clear()
        rows = self._area.height - HEADER
        if self._rows.read(self.top, self.top + self.visible_rows) or self._area != self.scrollable_size:
            self._lay_out()
            self.call_next(self._settle, rows < 1 or self.top <= self._position < self.top + rows)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header, or the row that stands there now."""
        if self._palette is None:
            self._palette = Palette.of(self)
            if (of_rows := (self._palette.even, self._palette.odd, self.ground)) != self._painted_in:
                self._painted_in = of_rows  # they stay as the focus comes and goes
                self._lines.clear()
        palette, room, position = self._palette, self._area.width, self.top + y - HEADER
        if y < HEADER:
            header = self._paint(self._titles, palette.header, dict.fromkeys(self._sorted, palette.sorted))
            return with_more(header) if self._slots and self._slots[-1].column < len(self.columns) - 1 else header
        if position >= self._rows.total:
            text = self._empty if not self._rows.total and y == HEADER + 1 else ""
            return paint_text(text, palette.empty, room)
        cells = self._rows.texts(position)
        if position == self._position:
            index = self._cell_index()
            style = palette.cursor if index is None else palette.cursor_row
            return self._paint(cells, style, {} if index is None else {index: palette.cursor}, mark=True)
        line = self._lines.get(position)
        if line is None:
            line = self.line(self._paint(cells, palette.odd if position % 2 else palette.even, {}))
            if cells is not None:
                self._lines[position] = line
        return line

    def _paint(self, cells: Sequence[str] | None, style: Style, special: Mapping[int, Style], *, mark: bool = False) -> Strip:
        if cells is None:
            cells = [ELLIPSIS, *[""] * (len(self.columns) - 1)]
        frozen = self._layout_now.frozen
        return paint_cells(cells, self.columns, self._slots, frozen, self._area.width, style, special, mark=mark)
