"""The explorer driven by keys, on a real file: what is on screen is compared with sums made another way."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from pathlib import Path

import pytest
from explorer_support import Explorer, explorer
from textual.app import ComposeResult
from textual.message import Message

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.sources.head_start import HeadStart
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.entrance import open_files
from fwbill_tui.tui.explorer import answering
from fwbill_tui.tui.explorer.answering import Answering, RowsReady, SummaryReady
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.login import LoginScreen
from fwbill_tui.tui.widgets.chart import UsageChart
from fwbill_tui.tui.widgets.chips import FilterChips
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.fetch_panel import FetchPanel
from fwbill_tui.tui.widgets.status import NoticeLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage import near_rows
from fwbill_tui.usage.query import Query, SortKey

ROWS = 2000


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, ROWS)
    return path


@pytest.fixture(scope="module")
def rows(export: Path) -> list[dict[str, str]]:
    with export.open(newline="") as file:
        return list(csv.DictReader(file))


async def test_opens_newest_first_with_the_totals_of_the_file(export: Path, rows: list[dict[str, str]]) -> None:
    async with explorer(export) as seen:
        totals = seen.part(TotalsPanel).totals
        assert totals.events == ROWS == seen.part(UsageTable).total_rows
        assert totals.prompt_tokens == sum(int(row["prompt_tokens"] or 0) for row in rows)
        assert totals.completion_tokens == sum(int(row["completion_tokens"] or 0) for row in rows)
        assert seen.part(TotalsPanel).partial == ""
        times = seen.column("start_time")
        assert times == sorted(times, reverse=True)  # type: ignore[type-var]
        assert not seen.part(FetchPanel).has_class("running")
        assert seen.part(NoticeLine).notices == ()


async def test_search_follows_every_letter_and_escape_clears_it(export: Path, rows: list[dict[str, str]]) -> None:
    async with explorer(export) as seen:
        await seen.press("slash")
        for typed in ("k", "ki", "kimi"):
            await seen.press(*typed[len(seen.query.search) :])
            labels = ("email", "usage_type", "accelerator_type", "base_model_name", "model_bucket")
            matching = [row for row in rows if any(typed in row[label].lower() for label in labels)]
            assert seen.part(TotalsPanel).totals.events == len(matching) == seen.part(UsageTable).total_rows
            counts = Counter(row["base_model_name"] for row in matching)
            shown = {value.value: value.events for value in seen.part(FacetPanel).facets["model"].values if value.events}
            assert shown == counts
            series = seen.part(UsageChart).series
            tokens = (int(row["prompt_tokens"] or 0) + int(row["completion_tokens"] or 0) for row in matching)
            assert sum(map(sum, series.values)) == sum(tokens)
        await seen.press("escape")
        assert seen.part(TotalsPanel).totals.events == ROWS
        await seen.press("escape")
        assert seen.app.focused is seen.part(UsageTable)


async def test_a_broken_regex_says_so_and_keeps_the_view(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("slash", *"/kimi/")
        before = seen.part(TotalsPanel).totals
        await seen.pilot.press("home", "delete", "slash", "left_parenthesis")
        await seen.until(lambda: any("regular expression" in text for text in seen.part(NoticeLine).notices))
        assert seen.part(TotalsPanel).totals == before


async def test_a_facet_is_narrowed_by_typing_and_chosen_by_keys(export: Path, rows: list[dict[str, str]]) -> None:
    async with explorer(export) as seen:
        await seen.press("m", *"kimi-k3", "enter")
        model = "accounts/fireworks/models/kimi-k3"
        assert seen.query.chosen("model") == (model,)
        assert set(seen.column("base_model_name")) == {model}
        assert seen.app.focused is seen.part(UsageTable)
        facet = {value.value: value for value in seen.part(FacetPanel).facets["model"].values}
        assert facet[model].chosen
        assert sum(value.events for value in facet.values()) == ROWS  # its own choice does not count for a facet
        await seen.press("u", "space", "down", "space")
        users = seen.query.chosen("user")
        assert len(users) == 2
        assert set(seen.column("email")) <= set(users)
        await seen.press("delete", "exclamation_mark")
        (excluded,) = seen.query.excluded("user")
        assert excluded not in seen.column("email")
        assert len(seen.part(FilterChips).chips) == 2
        await seen.press("escape", "x")
        assert seen.query == Query()


async def test_models_with_one_last_segment_are_told_apart_in_their_facet(tmp_path: Path) -> None:
    path, names = tmp_path / "usage.csv", ("fireworks/models/m1", "acme/models/m1", "acme/models/m2")
    events = [f"2026-10-01 00:00:00 UTC,TEXT_USAGE,accounts/{name}" for name in names]
    path.write_text("\n".join(["start_time,usage_type,base_model_name", *events, ""]))
    async with explorer(path) as seen:
        panel = seen.part(FacetPanel)
        lines = [panel.render_line(y).text for y in range(panel.size.height)]
        for shown in (names[0], names[1], "  m2"):
            assert any(shown in line for line in lines)
        await seen.press("m", *"fire", "enter")
        assert seen.query.only == (("model", (f"accounts/{names[0]}",)),)


async def test_a_facet_that_is_narrowed_to_nothing_says_so(export: Path) -> None:
    async with explorer(export) as seen:
        panel = seen.part(FacetPanel)

        def said() -> bool:
            return any("nothing matches" in panel.render_line(y).text for y in range(panel.size.height))

        await seen.press("m", *"kimi")
        assert not said()
        await seen.press(*"zzz")
        assert said()
        await seen.press("backspace", "backspace", "backspace")
        assert not said()


async def test_letters_narrow_a_facet_instead_of_being_commands(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("m", *"qsx")
        assert seen.query == Query()
        assert seen.app.is_running


async def test_sorting_by_keys_keeps_rows_and_turns_round(export: Path, rows: list[dict[str, str]]) -> None:
    async with explorer(export) as seen:
        table = seen.part(UsageTable)
        names = [column.name for column in table.columns]
        await seen.press(*["right"] * (names.index("completion_tokens") + 1), "s")
        values = [value for value in seen.column("completion_tokens") if value is not None]
        assert values == sorted(values, reverse=True)  # type: ignore[type-var]
        assert seen.column("completion_tokens")[len(values) :] == [None] * (ROWS - len(values))
        await seen.press("s")
        values = [value for value in seen.column("completion_tokens") if value is not None]
        assert values == sorted(values)  # type: ignore[type-var]
        await seen.press(*["left"] * (names.index("completion_tokens") - names.index("base_model_name")), "S")
        assert seen.query.sort == (SortKey("completion_tokens"), SortKey("base_model_name", descending=True))
        await seen.press("escape", *["right"] * (names.index("completion_tokens") + 1), "s")
        assert seen.query.sort == ()


async def test_the_row_under_the_cursor_stays_while_filters_and_sorts_change(export: Path) -> None:
    async with explorer(export) as seen:
        table = seen.part(UsageTable)
        await seen.press("m", *"kimi-k3", "enter")
        await seen.press(*["down"] * 7)
        row = table.cursor_row
        await seen.press("x")
        assert table.cursor_row == row
        names = [column.name for column in table.columns]
        await seen.press(*["right"] * (names.index("prompt_tokens") + 1), "s")
        assert table.cursor_row == row
        assert table.top <= table.cursor < table.top + table.visible_rows


async def test_rows_around_the_cursor_come_before_the_whole_order(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with many events: here two thousand are taken for many."""
    for name, limit in (("_FEW_ROWS", 0), ("_MOST_ROWS", 200), ("_SPARE", 0)):
        monkeypatch.setattr(near_rows, name, limit)
    monkeypatch.setattr(answering, "_FIRST_ROWS", 60)
    told: list[RowsReady] = []  # a busy screen may show the second alone
    tell = Answering._tell

    def noted(self: Answering, message: Message) -> None:
        if isinstance(message, RowsReady):
            told.append(message)
        tell(self, message)

    monkeypatch.setattr(Answering, "_tell", noted)
    async with explorer(export) as seen:
        table = seen.part(UsageTable)
        await seen.press(*["pagedown"] * 20)
        row, names = table.cursor_row, [column.name for column in table.columns]
        for column in ("prompt_tokens", "base_model_name"):
            await seen.press("escape", *["right"] * (names.index(column) + 1))
            for _ in range(2):
                told.clear()
                await seen.press("s")
                part, whole = told
                assert (part.whole, whole.whole) == (False, True)
                assert part.order is not None
                assert whole.order is not None
                assert 60 < len(part.order) < ROWS
                assert part.order.equals(whole.order[part.begin : part.begin + len(part.order)])
                assert part.cursor == whole.cursor == table.cursor
                assert table.cursor_row == row
        await seen.press("slash", *"nothing-has-this")
        assert table.total_rows == 0


async def test_few_combinations_are_added_up_without_a_thread(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with explorer(export) as seen:
        screen, totals = seen.screen, seen.part(TotalsPanel)
        everything = totals.totals.events
        await seen.press("slash", "k")  # the unfiltered totals are known from now on, too
        in_thread: list[Query] = []
        thread = screen._answering._summaries
        ask = thread.ask
        monkeypatch.setattr(thread, "ask", lambda question: (in_thread.append(question.query), ask(question)))
        await seen.press(*"imi", "enter", "right", "s", "m", "space")
        assert 0 < totals.totals.events == seen.part(UsageTable).total_rows < everything
        assert in_thread == []
        await seen.press("escape", "x")
        assert totals.totals.events == seen.part(UsageTable).total_rows == everything
        assert in_thread == []
        await seen.pilot.press("d")
        await seen.until(lambda: seen.app.screen is not screen)
        await seen.pilot.press(*"2026-06-29", "enter")
        await seen.until(lambda: seen.app.screen is screen)
        await seen.settle()
        assert [query.range for query in in_thread] == [seen.query.range] != [Query().range]


async def test_a_late_answer_does_not_take_the_place_of_a_newer_one(export: Path) -> None:
    async with explorer(export) as seen:
        screen, totals = seen.screen, seen.part(TotalsPanel)
        old = SummaryReady(screen._asked, totals.totals, totals.whole, seen.part(FacetPanel).facets, seen.part(UsageChart).series)
        await seen.press("slash", *"kimi")
        shown = totals.totals
        assert shown.events < old.totals.events
        new = SummaryReady(screen._asked, shown, totals.whole, seen.part(FacetPanel).facets, seen.part(UsageChart).series)
        screen._summed = None
        screen.post_message(new)
        screen.post_message(old)
        await seen.settle()
        assert totals.totals == shown


async def test_only_and_without_rows_like_this_cell(export: Path) -> None:
    async with explorer(export) as seen:
        names = [column.name for column in seen.part(UsageTable).columns]
        await seen.press(*["right"] * (names.index("base_model_name") + 1))
        _, model = seen.part(UsageTable).cursor_cell
        await seen.press("f")
        assert set(seen.column("base_model_name")) == {model}
        await seen.press("F")
        assert seen.query.excluded("model") == (model,)
        assert model not in seen.column("base_model_name")


async def test_undo_and_redo_step_through_queries(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("m", *"kimi-k3", "enter")
        chosen = seen.query
        await seen.press("slash", *"ana", "enter")
        typed = seen.query
        await seen.press("z")
        assert seen.query == chosen
        await seen.press("z")
        assert seen.query == Query()
        await seen.press("Z", "Z")
        assert seen.query == typed


async def test_a_chip_is_removed_alone(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("m", *"kimi-k3", "enter", "slash", *"ana", "enter")
        chips = seen.part(FilterChips)
        assert [chip.text for chip in chips.chips] == ["/ ana", "model: kimi-k3"]
        chips.focus()
        await seen.press("right", "enter")
        assert seen.query.search == "ana"
        assert seen.query.chosen("model") == ()


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_every_size_shows_rows_and_reaches_facets(export: Path, size: tuple[int, int]) -> None:
    async with explorer(export, size) as seen:
        assert seen.part(UsageTable).visible_rows >= 12
        await seen.press("m")
        panel = seen.part(FacetPanel)
        assert panel.display
        assert panel.size.width >= 30
        assert seen.part(UsageChart).display == (size[1] >= 30)
        await seen.press("escape")
        assert seen.app.focused is seen.part(UsageTable)
        assert panel.display == (size[0] >= 100)


@pytest.mark.parametrize("way_in", ["shift+tab", "m"])
async def test_facets_that_have_the_focus_stay_in_sight_on_a_screen_that_became_narrow(export: Path, way_in: str) -> None:
    async with explorer(export, (120, 36)) as seen:
        await seen.press(way_in)
        assert seen.app.focused is (panel := seen.part(FacetPanel))
        await seen.pilot.resize_terminal(80, 24)
        await seen.settle()
        assert panel.display
        assert seen.app.focused is panel
        await seen.press("escape")
        assert not panel.display
        assert seen.app.focused is seen.part(UsageTable)


@pytest.mark.parametrize("way_out", ["tab", "shift+tab"])
async def test_facets_over_the_table_make_room_when_the_focus_goes_elsewhere(export: Path, way_out: str) -> None:
    async with explorer(export, (80, 24)) as seen:
        await seen.press("m")
        assert seen.part(FacetPanel).display
        await seen.press(way_out)
        assert seen.app.focused is not seen.part(FacetPanel)
        assert not seen.part(FacetPanel).display
        await seen.press("escape", "m")
        await seen.pilot.press("f1")  # a dialog is another screen: below it, all is as it was
        await seen.pilot.press("escape")
        await seen.settle()
        assert seen.part(FacetPanel).display
        assert seen.app.focused is seen.part(FacetPanel)


@pytest.mark.parametrize("key", ["slash", "m"])
async def test_what_takes_the_focus_is_in_sight_though_the_table_was_maximized(export: Path, key: str) -> None:
    async with explorer(export) as seen:
        seen.screen.maximize(seen.part(UsageTable))
        await seen.settle()
        await seen.press("down")
        assert seen.screen.maximized is seen.part(UsageTable)
        await seen.press(key)
        assert seen.screen.maximized is None
        assert seen.app.focused is not None
        assert seen.app.focused.region.height


async def test_columns_are_cut_for_a_screen_that_became_narrow_as_for_one_that_is(export: Path) -> None:
    async with explorer(export, (80, 24)) as seen:
        narrow = seen.part(UsageTable).columns
    async with explorer(export, (160, 48)) as seen:
        table = seen.part(UsageTable)
        await seen.press("down", "down")
        await seen.pilot.resize_terminal(80, 24)
        await seen.settle()
        assert table.columns == narrow
        assert table.cursor == 2
        await seen.pilot.press("d")
        await seen.pilot.resize_terminal(160, 48)
        await seen.pilot.press("escape")
        await seen.settle()
        assert table.columns != narrow
        assert table.cursor == 2


async def test_rejected_rows_are_said_on_screen(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    header = "email,start_time,end_time,usage_type,prompt_tokens,completion_tokens\n"
    good = "a@b.c,2026-10-01 00:00:00 UTC,2026-10-01 00:00:00 UTC,TEXT_COMPLETION_INFERENCE_USAGE,5,1\n"
    path.write_text(header + good + good.replace(",5,", ",five,") + good)
    async with explorer(path) as seen:
        assert seen.part(TotalsPanel).totals.events == 2
        assert any("1 row" in notice for notice in seen.part(NoticeLine).notices)


async def test_text_of_the_data_is_shown_literally(tmp_path: Path) -> None:
    path = tmp_path / "hostile.csv"
    model = "accounts/x/models/[red]\x1b[31m\u202eevil"
    path.write_text(f"start_time,usage_type,base_model_name,prompt_tokens\n2026-10-01 00:00:00 UTC,[bold]T,{model},1\n")
    async with explorer(path) as seen:
        await seen.press("m", "enter")
        picture = seen.app.export_screenshot()
        assert "\x1b" not in picture
        assert "\u202e" not in picture
        assert "[red]" in picture


async def test_an_unreadable_file_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    app = FwbillApp(Launch(query=Query(), inputs=(str(path),)))
    async with app.run_test(size=(120, 36)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and bool(app.screen._load_problem))
        assert "start_time" in seen.part(NoticeLine).notices[0]
        assert seen.part(TotalsPanel).partial


@pytest.mark.parametrize("at_once", [200_000, 0])
@pytest.mark.parametrize("ended", [True, False])
async def test_files_that_were_read_before_the_screen_was_there_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: bool, at_once: int
) -> None:
    monkeypatch.setattr("fwbill_tui.tui.explorer.loads._AT_ONCE", at_once)
    path = tmp_path / "usage.csv"
    path.write_text("start_time,usage_type,prompt_tokens\n" + "2026-10-01 00:00:00 UTC,T,1\n" * 3 + "no time,T,1\n")
    launch = Launch(query=Query(), inputs=(str(path),))
    begun = HeadStart(launch)
    while ended and not begun.ended:
        await asyncio.sleep(0.005)
    app = FwbillApp(launch, begun)
    async with app.run_test(size=(160, 36)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        assert seen.column("prompt_tokens") == [1, 1, 1]
        assert seen.part(TotalsPanel).totals.events == 3
        assert "1 row" in " ".join(seen.part(NoticeLine).notices)
        assert app.rejected == 1
        await seen.press("r")
        await seen.until(lambda: app.screen._provenance is not None)
        assert seen.part(TotalsPanel).totals.events == 3


async def test_a_file_that_could_not_be_read_before_the_screen_was_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    launch = Launch(query=Query(), inputs=(str(path),))
    app = FwbillApp(launch, HeadStart(launch))
    async with app.run_test(size=(120, 36)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and bool(app.screen._load_problem))
        assert "start_time" in seen.part(NoticeLine).notices[0]


async def test_from_files_that_were_read_early_the_login_leads_back_and_other_files_take_their_place(tmp_path: Path) -> None:
    paths = [tmp_path / "usage.csv", tmp_path / "other.csv"]
    for events, path in enumerate(paths, start=1):
        path.write_text("start_time,usage_type\n" + "2026-10-01 00:00:00 UTC,T\n" * events)
    launch = Launch(query=Query(), inputs=(str(paths[0]),))
    app = FwbillApp(launch, HeadStart(launch))
    async with app.run_test(size=(120, 36)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: app.screen._provenance is not None)
        assert isinstance(app.focused, UsageTable)
        await pilot.press("ctrl+l")
        await seen.until(lambda: isinstance(app.screen, LoginScreen))
        await pilot.press("escape")
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen))
        await app._open(lambda: open_files((str(paths[1]),), launch))
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        assert seen.part(TotalsPanel).totals.events == 2
        assert isinstance(app.focused, UsageTable)
        assert len(app.screen_stack) == 1


async def test_a_program_that_ends_while_a_screen_opens_ends_without_a_fault(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose, mounted = LoginScreen.compose, list[bool]()

    def ending(screen: LoginScreen) -> ComposeResult:
        screen.app.exit(0)
        yield from compose(screen)

    def on_mount(screen: LoginScreen) -> None:
        mounted.append(bool(screen.children))
        mount(screen)

    mount = LoginScreen.on_mount
    monkeypatch.setattr(LoginScreen, "compose", ending)
    monkeypatch.setattr(LoginScreen, "on_mount", on_mount)
    async with explorer(export) as seen:
        seen.app.action_sign_in()
        for _ in range(100):
            if mounted:
                break
            await asyncio.sleep(0.02)
    assert mounted == [False]
    assert (seen.app.return_code, seen.app._exception) == (0, None)
