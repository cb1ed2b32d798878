"""Steps back and forth: undo of searches, the way out of a group, the row under the cursor over a load, periods to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from explorer_support import Explorer, explorer

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.explorer.history import History
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.widgets.chips import FilterChips
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.ranges import parse_range


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, 1000)
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(3_000, end=date(2026, 11, 22)) as running:
        yield running


def searched(*searches: str) -> History:
    history = History(Query())
    for search in searches:
        history.go(replace(history.now, search=search))
    return history


@pytest.mark.parametrize(
    ("searches", "undone"),
    [
        (["k", "ki", "kim", "kimi"], [""]),
        (["k", "ki", "kim", "kimi", "q", "qw", "qwen"], ["kimi", ""]),
        (["k", "ki", "kimi", ""], ["kimi", ""]),
        (["k", "kimi", "kim", "ki", ""], ["kimi", ""]),
        (["kimi", "kim", "kimk"], ["kim", "kimi", ""]),
    ],
)
def test_undo_goes_back_to_every_search_that_stood(searches: list[str], undone: list[str]) -> None:
    history = searched(*searches)
    assert [(history.undo() or Query(search="none")).search for _ in undone] == undone
    assert history.undo() is None
    assert [(history.redo() or Query()).search for _ in undone] == [*undone[-2::-1], searches[-1]]


def test_a_search_typed_after_undo_is_a_step_of_its_own() -> None:
    history = searched("k", "ki")
    history.go(history.now.toggle("model", "m"))
    history.undo()
    history.go(replace(history.now, search="kimi"))
    undone = history.undo()
    assert undone is not None
    assert undone.search == "ki"


async def test_the_way_out_of_a_group_is_said_until_it_is_gone(export: Path) -> None:
    async with explorer(export) as seen:
        chips = seen.part(FilterChips)
        seen.screen.group_by(("day", "model"))
        await seen.settle()
        assert chips.way_back == ""
        groups = seen.query
        await seen.press("enter")
        assert chips.way_back == "‹ esc to groups by day, model"
        assert chips.render_line(0).text.startswith(chips.way_back)
        (_, left, text) = chips._placed()[0]
        assert chips.render_line(0).text[left:].startswith(text), "a click must find the chip where it is painted"
        await seen.press("escape")
        assert chips.way_back == ""
        assert seen.query == groups

        await seen.press("enter", "z")  # by undo, after which esc has no group to leave any more
        assert (seen.query, chips.way_back) == (groups, "")
        await seen.press("escape")
        assert seen.query.group_by == ()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_way_out_is_said_on_a_small_terminal_too(export: Path, size: tuple[int, int]) -> None:
    async with explorer(export, size) as seen:
        seen.screen.group_by(("day",))
        await seen.settle()
        await seen.press("enter")
        assert seen.part(FilterChips).region.height == 1


async def test_the_cursor_never_lands_on_another_event_that_has_its_number(server: DemoServer) -> None:
    source = AccountSource(Endpoints(server.base_url, server.gateway_addr), Credential.pasted(server.api_key), "acme-prod")
    last_week = TimeRange(datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
    app = FwbillApp(Launch(query=Query(), inputs=()))
    app.enter = lambda **_: app.push_screen(ExplorerScreen(source, Query(range=last_week), account="acme-prod"))  # type: ignore[assignment,return-value]
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        await seen.press(*["down"] * 5)
        table = seen.part(UsageTable)
        under = seen.screen._rows.frame.row(table.cursor_row)
        seen.screen.ask(replace(seen.query, range=replace(last_week, start=datetime(2026, 10, 1, tzinfo=UTC))))
        await seen.until(lambda: seen.screen._provenance is not None)
        await seen.settle()
        assert seen.screen._rows.frame.height > 1000
        assert table.cursor == 0 or seen.screen._rows.frame.row(table.cursor_row) == under
        await seen.press(*["down"] * 3)  # of the same load, it stays with its event
        under = seen.screen._rows.frame.row(table.cursor_row)
        seen.screen.sort_by("prompt_tokens", further=False)
        await seen.settle()
        assert seen.screen._rows.frame.row(table.cursor_row) == under


async def test_no_period_that_has_not_begun(export: Path) -> None:
    today = datetime.now(UTC).date()
    async with explorer(export) as seen:
        shown = parse_range("7d", today=today, time_zone="UTC")
        seen.screen.ask(replace(seen.query, range=shown))
        await seen.settle()
        await seen.pilot.press("right_square_bracket")
        assert seen.query.range == shown
        assert ["not begun" in note.message for note in seen.app._notifications] == [True]
        await seen.press("left_square_bracket", "right_square_bracket")
        assert seen.query.range == shown
        # A period that has begun is shown whole, with the days to come.
        middle = parse_range(f"{today - timedelta(days=10)}..{today - timedelta(days=4)}", today=today, time_zone="UTC")
        seen.screen.ask(replace(seen.query, range=middle))
        await seen.press("right_square_bracket")
        assert seen.query.range != middle
