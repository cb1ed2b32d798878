from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.tui.cells import Kind
from fwbill_tui.tui.widgets.usage_table_layout import PADDING, ColumnSpec, column_at, header_text, lay_out
from fwbill_tui.usage.query import SortKey

kinds: st.SearchStrategy[Kind] = st.sampled_from(["time", "path", "label", "count", "seconds"])


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[ColumnSpec], list[int]]:
    """Columns with frozen ones first, and what their contents need."""
    count = draw(st.integers(1, 14))
    frozen = draw(st.integers(0, count))
    columns = [
        ColumnSpec(f"c{index}", "t" * draw(st.integers(1, 20)), draw(kinds), frozen=index < frozen) for index in range(count)
    ]
    return columns, draw(st.lists(st.integers(0, 60), min_size=count, max_size=count))


@given(tables(), st.integers(1, 250))
def test_numbers_and_times_get_what_they_need_and_texts_share_the_rest(
    table: tuple[list[ColumnSpec], list[int]], room: int
) -> None:
    columns, needs = table
    layout = lay_out(columns, [column.title for column in columns], needs, room)
    for column, need, width in zip(columns, needs, layout.widths, strict=True):
        wanted = max(need, len(column.title))
        assert width <= wanted
        if column.kind in {"time", "count", "seconds"}:
            assert width == wanted
        elif layout.total < room:
            assert width == wanted, "cut although there is room"
        else:
            assert width >= min(wanted, column.minimum)


@given(tables(), st.integers(8, 250), st.data())
def test_every_column_can_be_brought_into_sight_whole_if_it_fits(
    table: tuple[list[ColumnSpec], list[int]], room: int, data: st.DataObject
) -> None:
    columns, needs = table
    layout = lay_out(columns, [column.title for column in columns], needs, room)
    furthest = max(0, layout.total - room)
    column = data.draw(st.integers(0, len(columns) - 1))
    scroll_x = max(0, min(layout.scroll_to(column, data.draw(st.integers(0, furthest)), room), furthest))
    slots = layout.slots(scroll_x, room)
    assert sum(slot.width + 2 * PADDING for slot in slots) <= room
    for slot in slots[layout.frozen + 1 :]:
        assert slot.whole or (slot.width >= 8 and columns[slot.column].kind in {"path", "label"}), "a column of nothing but …"
    here = [slot for slot in slots if slot.column == column]
    if layout.widths[column] + 2 * PADDING <= room - layout.start(layout.frozen) or column < layout.frozen:
        assert here
        assert here[0].whole
    # A mouse finds the columns where they are drawn, and nothing behind them.
    x = 0
    for slot in slots:
        assert column_at(slots, x) == column_at(slots, x + slot.width + 2 * PADDING - 1) == slot.column
        x += slot.width + 2 * PADDING
    assert column_at(slots, x) is None


def test_frozen_columns_come_loose_when_they_would_take_the_screen() -> None:
    columns = [ColumnSpec("start_time", "start", "time", frozen=True), ColumnSpec("model", "model", "path")]
    assert lay_out(columns, ["start (UTC)", "model"], [19, 10], 80).frozen == 1
    assert lay_out(columns, ["start (UTC)", "model"], [19, 10], 30).frozen == 0


def test_headers_name_the_zone_and_the_place_of_each_sort_key() -> None:
    start, model = ColumnSpec("start_time", "start", "time"), ColumnSpec("base_model_name", "model", "path")
    newest, by_model = SortKey("start_time", descending=True), SortKey("base_model_name")
    assert header_text(start, [], "UTC") == "start (UTC)"
    assert header_text(start, [newest], "America/Argentina/Buenos_Aires") == "start (Buenos Aires) ▼"
    assert header_text(start, [by_model, newest], "UTC") == "start (UTC) ▼2"
    assert header_text(model, [by_model, newest], "UTC") == "model ▲1"
    assert header_text(model, [newest], "UTC") == "model"
