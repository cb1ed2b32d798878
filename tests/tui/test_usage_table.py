from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown
from textual.geometry import Region
from textual.message import Message
from textual.scrollbar import ScrollTo
from textual.widgets import Static

from fwbill_tui.tui.widgets import usage_table_rows
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.tui.widgets.usage_table_layout import ColumnSpec
from fwbill_tui.tui.widgets.usage_table_rows import TableRows
from fwbill_tui.usage.query import SortKey

TEN_MILLION = 10_000_000
START = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1e6)
MODELS = (
    "accounts/fireworks/models/kimi-k3",
    "accounts/acme/models/漢字モデル-とても長い名前",
    "accounts/x/[red]x[/]!",
    "evil\x1b[2J\u202e",
    None,
)
COLUMNS = (
    ColumnSpec("start_time", "start", "time", frozen=True),
    ColumnSpec("base_model_name", "model", "path"),
    ColumnSpec("prompt_tokens", "prompt", "count"),
    ColumnSpec("completion_tokens", "completion", "count"),
    ColumnSpec("accelerator_seconds", "GPU s", "seconds"),
)


def events(rows: int) -> pl.DataFrame:
    """Cheap events: row i starts i seconds before a fixed moment and has i prompt tokens."""
    models = pl.Series(MODELS).cast(pl.Categorical)
    row = pl.int_range(rows, dtype=pl.Int64)
    frame = pl.select(
        start_time=(START - row * 1_000_000).cast(pl.Datetime("us", "UTC")),
        prompt_tokens=row,
        completion_tokens=pl.when(row % 2 == 0).then(row * 1000),
        accelerator_seconds=row.cast(pl.Float64) / 4,
        code=(row % len(MODELS)).cast(pl.UInt32),
    )
    return frame.with_columns(base_model_name=models.gather(frame["code"])).drop("code")


@pytest.fixture(scope="module")
def ten_million() -> pl.DataFrame:
    return events(TEN_MILLION)


class Host(App[None]):
    """A table between two lines, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Static("above")
        yield UsageTable()

    def on_mount(self) -> None:
        self.table.focus()

    @property
    def table(self) -> UsageTable:
        return self.query_one(UsageTable)

    def on_usage_table_cursor_moved(self, message: UsageTable.CursorMoved) -> None:
        self.said.append(message)

    def on_usage_table_row_selected(self, message: UsageTable.RowSelected) -> None:
        self.said.append(message)

    def on_usage_table_header_clicked(self, message: UsageTable.HeaderClicked) -> None:
        self.said.append(message)

    def moves(self) -> list[tuple[int | None, int | None, str | None]]:
        return [(m.position, m.row, m.column) for m in self.said if isinstance(m, UsageTable.CursorMoved)]

    def lines(self) -> list[str]:
        """The table's lines as they stand on the screen, without the scroll bars."""
        size = self.table.scrollable_size
        strips = self.table.render_lines(Region(0, 0, size.width, size.height))
        assert {strip.cell_length for strip in strips} <= {size.width}
        return [strip.text for strip in strips]


async def test_only_the_rows_on_screen_are_written_and_wide_or_hostile_text_keeps_the_columns_straight() -> None:
    async with Host().run_test(size=(80, 12)) as pilot:
        app = pilot.app
        assert isinstance(app, Host)
        app.table.show(events(5), None, COLUMNS, sort=[SortKey("start_time", descending=True)])
        await pilot.pause()
        header, *rows = app.lines()
        assert header.split() == ["start", "(UTC)", "▼", "model", "prompt", "completion", "GPU", "s"]
        assert rows[0].split() == ["▸2026-11-22", "00:00:00", "kimi-k3", "0", "0", "0.00"]
        assert "漢字モデル-と" in rows[1]
        assert "…" not in rows[0]
        assert "]!" in rows[2]
        assert "evil␛[2J<U+202E>" in rows[3]
        assert rows[4].split() == ["2026-11-21", "23:59:56", "4", "4,000", "1.00"]
        assert all(not row.strip() for row in rows[5:])
        ends = {cell_len(row[: row.rindex("0")]) for row in (rows[0], rows[4])}
        assert len(ends) == 1, "numbers are aligned at the right, behind wide characters too"


async def test_ten_million_rows_scroll_to_the_very_end_by_key_bar_and_wheel(ten_million: pl.DataFrame) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.table
        table.show(ten_million, None, COLUMNS)
        await pilot.pause()
        last = TEN_MILLION - 1
        await pilot.press("end")
        await pilot.pause()
        assert table.cursor == table.cursor_row == last
        assert app.lines()[-1].startswith("▸")
        assert f"{last:,}" in app.lines()[-1]
        assert table.top == TEN_MILLION - table.visible_rows
        bar = table.vertical_scrollbar
        assert bar.position == table.max_scroll_y
        assert bar.window_virtual_size == TEN_MILLION + 1

        table.post_message(ScrollTo(y=TEN_MILLION / 2))
        await pilot.pause()
        assert table.top == TEN_MILLION // 2, "a dragged bar is followed at once"
        assert f"{TEN_MILLION // 2:,}" in app.lines()[1]
        assert table.cursor == last, "looking elsewhere leaves the cursor"
        await pilot._post_mouse_events([MouseScrollDown], widget=table, offset=(5, 5))
        await pilot.pause()
        assert table.top == TEN_MILLION // 2 + app.scroll_sensitivity_y
        await pilot.press("up")
        assert table.cursor == last - 1
        assert table.top <= last - 1 < table.top + table.visible_rows, "a key brings the cursor back on screen"
        await pilot.press("home")
        assert (table.cursor, table.top) == (0, 0)


async def test_no_row_but_those_near_the_screen_is_ever_formatted(
    ten_million: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    formatted: list[int] = []
    texts = usage_table_rows.texts

    def counted(values: pl.Series, *rest: object) -> list[str]:
        formatted.append(len(values))
        return texts(values, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(usage_table_rows, "texts", counted)
    app = Host()
    order = pl.select((TEN_MILLION - 1 - pl.int_range(TEN_MILLION)).cast(pl.UInt32).alias("order"))["order"]
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(ten_million, order, COLUMNS)
        await pilot.press("end", "home", "pagedown", "pagedown")
        await pilot.pause()
    assert 0 < sum(formatted) < 10_000


async def test_moving_by_lines_reads_a_block_once(ten_million: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    read = TableRows._read_block
    monkeypatch.setattr(TableRows, "_read_block", lambda self, number: reads.append(number) or read(self, number))
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(ten_million, None, COLUMNS)
        for step in (*[1] * 120, *[-1] * 120):
            app.table.action_move(step)
            app.lines()
        await pilot.pause()
    assert sorted(reads) == [0, 1]


async def test_keys_move_row_and_cell_and_g_is_left_to_others() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        table = app.table
        table.show(events(100), None, COLUMNS)
        await pilot.press("j", "down", "down", "k")
        assert table.cursor == 2
        assert table.cursor_cell is None
        await pilot.press("g", "G")
        assert table.cursor == 2
        await pilot.press("right")
        assert table.cursor_cell == ("start_time", datetime(2026, 11, 21, 23, 59, 58, tzinfo=UTC))
        await pilot.press("l")
        assert table.cursor_cell == ("base_model_name", MODELS[2])
        await pilot.press("right", "right", "right", "right", "down")
        assert table.cursor_cell == ("accelerator_seconds", 0.75)
        assert table.scroll_offset.x > 0
        await pilot.pause()
        lines = app.lines()
        assert lines[0].startswith(" start (UTC)"), "the frozen column stays"
        assert lines[0].rstrip().endswith("GPU s")
        assert "│" in lines[0]
        await pilot.press("h", "h", "h", "left")
        assert table.cursor_cell is not None
        assert table.cursor_cell[0] == "start_time"
        await pilot.press("left", "left")
        assert table.cursor_cell is None
        await pilot.press("right", "escape")
        assert table.cursor_cell is None
        await pilot.press("pagedown")
        assert table.cursor == 3 + table.visible_rows
        await pilot._post_mouse_events([MouseScrollDown], widget=table, offset=(5, 5), shift=True)
        assert table.scroll_offset.x == table.max_scroll_x > 0, "shift and the wheel scroll sideways"
        await pilot.press("pagedown", "pageup", "ctrl+end", "pagedown")
        assert table.cursor == 99
        await pilot.press("ctrl+home", "pageup", "up")
        assert table.cursor == 0
        assert app.moves()[-1] == (0, 0, None)


async def test_escape_without_a_cell_cursor_is_left_to_the_screen() -> None:
    class Watching(Host):
        BINDINGS = [("escape", "back", "Back")]  # noqa: RUF012
        went_back = 0

        def action_back(self) -> None:
            self.went_back += 1

    app = Watching()
    async with app.run_test() as pilot:
        app.table.show(events(3), None, COLUMNS)
        await pilot.press("right", "escape")
        assert app.went_back == 0
        await pilot.press("escape")
        assert app.went_back == 1


async def test_clicks_reach_rows_cells_and_headers() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        table = app.table
        order = pl.Series(range(50, 90), dtype=pl.UInt32)
        table.show(events(100), order, COLUMNS)
        await pilot.pause()
        model = app.lines()[0].index("model")
        await pilot.click(table, offset=(model, 3))
        assert table.cursor == 2
        assert table.cursor_cell == ("base_model_name", MODELS[52 % 5])
        app.said.clear()
        await pilot.click(table, offset=(model, 4), times=2)
        await pilot.pause()
        selected = [m for m in app.said if isinstance(m, UsageTable.RowSelected)]
        assert [(m.position, m.row) for m in selected] == [(3, 53)]
        assert selected[0].control is table
        await pilot.press("down", "enter")
        assert isinstance(app.said[-1], UsageTable.RowSelected)
        assert app.said[-1].row == 54

        app.said.clear()
        await pilot.click(table, offset=(model, 0))
        await pilot.click(table, offset=(1, 0), shift=True)
        await pilot.click(table, offset=(79 - 2, 0), control=True)
        clicked = [(m.column, m.extend) for m in app.said if isinstance(m, UsageTable.HeaderClicked)]
        assert clicked[:2] == [("base_model_name", False), ("start_time", True)]
        assert table.cursor == 4


async def test_the_row_under_the_cursor_stays_on_its_line_when_the_caller_says_where_it_went() -> None:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        table = app.table
        frame = events(1000)
        table.show(frame, None, COLUMNS)
        await pilot.press(*["down"] * 5)
        assert (table.cursor_row, table.cursor) == (5, 5)
        backwards = pl.Series(range(1000), dtype=pl.UInt32).reverse()
        table.show(frame, backwards, COLUMNS, cursor=994)
        await pilot.pause()
        assert (table.cursor_row, table.cursor) == (5, 994)
        assert table.cursor - table.top in {5, 994 - table.max_scroll_y}
        marked = [line for line in app.lines() if line.startswith("▸")]
        assert len(marked) == 1
        assert " 23:59:55 " in marked[0]
        assert app.moves()[-1] == (994, 5, None)
        table.show(frame, backwards.head(3), COLUMNS)
        await pilot.pause()
        assert (table.cursor, table.cursor_row, table.top) == (0, 999, 0)


@pytest.mark.parametrize("begin", [100, 128, 500])
async def test_rows_around_the_cursor_are_drawn_while_the_others_are_still_to_come(begin: int) -> None:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        table = app.table
        frame = events(1000)
        order = frame.with_row_index().select("index").to_series().reverse()
        table.show(frame, order[begin : begin + 100], COLUMNS, cursor=begin + 1, begin=begin, total_rows=1000)
        await pilot.pause()
        assert (table.cursor, table.cursor_row) == (begin + 1, 998 - begin)
        table.show(frame, order[begin : begin + 100], COLUMNS, cursor=begin + 50, begin=begin, total_rows=1000)
        await pilot.pause()
        shown = app.lines()
        assert "…" not in "".join(shown)
        await pilot.press("up", "home")
        await pilot.pause()
        assert (table.cursor, table.cursor_row) == (0, None)
        lines = app.lines()
        assert [line.strip("▸ ") for line in lines[1:]] == ["…"] * (len(lines) - 1)
        table.complete(order)
        await pilot.pause()
        assert table.cursor_row == 999
        assert "…" not in "".join(app.lines())
        table.show(frame, order, COLUMNS, cursor=begin + 50)
        await pilot.pause()
        assert app.lines() == shown


async def test_a_first_screen_is_drawn_while_the_rest_is_still_to_come() -> None:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        table = app.table
        frame = events(1000)
        table.show(frame, pl.Series([7, 8, 9], dtype=pl.UInt32), COLUMNS, total_rows=1000)
        await pilot.press("down", "down")
        await pilot.pause()
        lines = app.lines()
        assert [line.strip() for line in lines[4:]] == ["…"] * (len(lines) - 4)
        assert table.cursor_row == 9
        await pilot.press("end", "enter")
        assert (table.cursor, table.cursor_row, table.cursor_cell) == (999, None, None)
        assert app.moves()[-1] == (999, None, None)
        assert not any(isinstance(message, UsageTable.RowSelected) for message in app.said)
        table.show(frame, pl.Series(range(1000), dtype=pl.UInt32), COLUMNS, cursor=999)
        await pilot.pause()
        assert table.cursor_row == 999
        assert "…" not in "".join(app.lines())


async def test_no_rows_one_row_and_no_columns() -> None:
    app = Host()
    async with app.run_test(size=(80, 14)) as pilot:
        table = app.table
        await pilot.press("down", "end", "enter", "right", "pagedown")
        assert table.cursor is None
        table.show(events(0), None, COLUMNS, empty="No events match. [b]x[/] clears the filters.")
        await pilot.press("down", "end", "enter", "pageup")
        await pilot.click(table, offset=(5, 5))
        await pilot.pause()
        assert app.lines()[2].strip() == "No events match. [b]x[/] clears the filters."
        assert table.cursor is None
        assert table.cursor_row is None
        assert table.cursor_cell is None
        table.show(events(1), None, COLUMNS)
        await pilot.press("down", "up", "pagedown", "pageup", "end", "enter")
        assert table.cursor == 0
        assert isinstance(app.said[-1], UsageTable.RowSelected)
        assert "clears" not in "".join(app.lines())
        table.show(events(1), None, ())
        await pilot.press("right", "down")
        await pilot.pause()
        assert not "".join(app.lines()).strip()


async def test_widths_stay_while_scrolling_and_grow_only_for_what_would_be_cut(ten_million: pl.DataFrame) -> None:
    app = Host()
    async with app.run_test(size=(100, 24)) as pilot:
        table = app.table
        table.show(ten_million, None, COLUMNS)
        await pilot.pause()
        small = app.lines()[0]
        await pilot.press("end")
        await pilot.pause()
        grown = app.lines()[0]
        assert grown.rstrip() != small.rstrip()
        assert f"{(TEN_MILLION - 2) * 1000:,}" in "".join(app.lines())
        await pilot.press("home")
        await pilot.pause()
        assert app.lines()[0] == grown
        table.show(ten_million.head(10), None, COLUMNS)
        await pilot.pause()
        assert app.lines()[0] == grown, "the same columns keep their places"


async def test_a_number_at_the_edge_of_the_screen_is_never_shown_in_part() -> None:
    app = Host()
    frame = events(5).with_columns(completion_tokens=pl.lit(123_456_789))
    async with app.run_test(size=(80, 8)) as pilot:
        app.table.show(frame, None, COLUMNS)
        seen = 0
        for width in range(24, 90, 3):
            await pilot.resize_terminal(width, 8)
            for scroll_x in (0, 5, 30):
                app.table.scroll_to(x=scroll_x)
                await pilot.pause()
                for line in app.lines()[1:]:
                    numbers = [word for word in line.split() if "123" in word or "789" in word]
                    assert numbers in ([], ["123,456,789"]), (width, scroll_x, line)
                    seen += bool(numbers)
        assert seen


async def test_the_cursor_stays_in_sight_when_the_terminal_shrinks() -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        app.table.show(events(100), None, COLUMNS)
        await pilot.press(*["down"] * 25)
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert sum(line.startswith("▸") for line in app.lines()) == 1
        assert app.table.cursor == 25


async def test_shown_before_it_has_a_size_it_opens_at_the_cursor() -> None:
    class Early(Host):
        def on_mount(self) -> None:
            self.table.show(events(1000), None, COLUMNS, cursor=500)

    app = Early()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.pause()
        assert app.table.cursor == 500
        assert sum(line.startswith("▸") for line in app.lines()) == 1


async def test_groups_are_rows_like_any_others() -> None:
    app = Host()
    frame = pl.DataFrame({"day": [datetime(2026, 11, 1, tzinfo=UTC), None], "model": [MODELS[0], ""], "events": [3, 0]})
    columns = (ColumnSpec("day", "day", "day"), ColumnSpec("model", "model", "path"), ColumnSpec("events", "events", "count"))
    async with app.run_test(size=(80, 8)) as pilot:
        app.table.show(frame, None, columns, sort=[SortKey("events", descending=True)], time_zone="America/New_York")
        await pilot.pause()
        header, first, second, *_ = app.lines()
        assert header.split() == ["day", "model", "events", "▼"]
        assert first.split() == ["▸2026-10-31", "kimi-k3", "3"]
        assert second.split() == ["0"]


async def test_the_cursor_is_told_by_more_than_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Host()
    async with app.run_test(size=(80, 8)) as pilot:
        app.table.show(events(5), None, COLUMNS)
        await pilot.press("down")
        await pilot.pause()
        size = app.table.scrollable_size
        before, cursor = app.table.render_lines(Region(0, 1, size.width, 2))
        style = next(iter(cursor)).style
        assert style is not None
        assert style.reverse
        assert not any(segment.style and segment.style.reverse for segment in before)
        assert (before.text[0], cursor.text[0]) == (" ", "▸")
        app.set_focus(None)
        await pilot.pause()
        (unfocused,) = app.table.render_lines(Region(0, 2, size.width, 1))
        plain = next(iter(unfocused)).style
        assert plain is not None
        assert not plain.reverse
        assert plain.underline


async def test_rows_stay_painted_as_the_focus_goes_and_comes() -> None:
    app = Host()
    async with app.run_test(size=(100, 12)) as pilot:
        app.table.show(events(5), None, COLUMNS)
        await pilot.pause()
        before = app.table.render_lines(app.table.size.region)
        app.set_focus(None)
        await pilot.pause()
        after = app.table.render_lines(app.table.size.region)
        assert [new is old for new, old in zip(after[1:6], before[1:6], strict=True)] == [False, True, True, True, True]


async def test_a_new_theme_repaints_every_row() -> None:
    app = Host()
    async with app.run_test(size=(80, 8)) as pilot:
        app.table.show(events(5), None, COLUMNS)
        await pilot.pause()
        dark = app.table.render_lines(Region(0, 0, 79, 4))
        app.theme = "textual-light"
        await pilot.pause()
        light = app.table.render_lines(Region(0, 0, 79, 4))
        for before, after in zip(dark, light, strict=True):
            assert before.text == after.text
            assert [segment.style for segment in before] != [segment.style for segment in after]
