"""Keys at moments when what is on screen does not belong to the newest query yet, and what must not end the explorer."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from explorer_support import Explorer, explorer

from fwbill_tui.demo.faults import Faults, refused
from fwbill_tui.demo.generator import write_csv
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.files import FileSource
from fwbill_tui.sources.launch import Launch
from fwbill_tui.sources.loading import Loaded, load
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.explorer.cell_filters import by_cell
from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.confirm import ConfirmScreen
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.export_dialog import ExportDialog
from fwbill_tui.tui.widgets.chips import FilterChips
from fwbill_tui.tui.widgets.choices import OneOf
from fwbill_tui.tui.widgets.fields import Line
from fwbill_tui.tui.widgets.status import NoticeLine, StatusLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import EVERYTHING, Query, TimeRange

OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
HEADER = (
    "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,parameter_count,"
    "prompt_tokens,completion_tokens"
)
EVENT = "a@x.dev,{0},{0},TEXT_COMPLETION_INFERENCE_USAGE,,,accounts/fireworks/models/m,M,1,10,5"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, 1000)
    return path


@asynccontextmanager
async def october(server: DemoServer) -> AsyncIterator[Explorer]:
    """The explorer on October of an account, after which every fetch of another month fails."""
    source = AccountSource(
        Endpoints(server.base_url, server.gateway_addr), Credential.pasted(server.api_key), "acme-prod",
        policy=RetryPolicy(first=0.002, first_when_limited=0.002, longest=0.01),
    )  # fmt: skip
    app = FwbillApp(Launch(query=Query(), inputs=()))
    app.enter = lambda **_: app.push_screen(ExplorerScreen(source, Query(range=OCTOBER), account="acme-prod"))  # type: ignore[assignment,return-value]
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        server.faults = Faults((refused(503, route="grpc.ExportBillingMetrics"),))
        yield seen


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(3_000, end=date(2026, 11, 22)) as running:
        yield running


def notes(seen: Explorer) -> list[str]:
    return [f"{note.title} {note.message}" for note in seen.app._notifications]


async def test_numbers_of_one_range_do_not_stand_under_the_heading_of_another(
    server: DemoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with october(server) as seen:
        assert seen.part(TotalsPanel).totals.events == server.expected(OCTOBER).height
        await seen.pilot.press("left_square_bracket")
        await seen.until(lambda: seen.part(TotalsPanel).totals.events == 0)
        assert "Sep 1" in seen.part(StatusLine).standing.range
        await seen.until(lambda: not seen.screen._loader.running)
        await seen.settle()
        assert seen.part(TotalsPanel).partial
        assert seen.part(UsageTable).total_rows == 0
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: any(note.startswith("Saved") for note in notes(seen)))
        (saved,) = tmp_path.iterdir()
        assert len(saved.read_text().splitlines()) == 1
        assert any(note.startswith("Saved 0 events") and "partial" in note for note in notes(seen))


async def test_what_is_said_to_be_saved_is_what_is_in_the_file(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with explorer(export) as seen:
        wanted = replace(seen.query, search="kimi")
        seen.screen.ask(wanted)
        seen.screen.action_save()  # before the answer is on screen
        await seen.until(lambda: any(note.startswith("Saved") for note in notes(seen)))
        (saved,) = tmp_path.iterdir()
        rows = len(saved.read_text().splitlines()) - 1
        assert 0 < rows < 1000
        assert any(note.startswith(f"Saved {rows:,} events") for note in notes(seen))


@pytest.mark.parametrize(
    "beside", [TimeRange(datetime(2100, 1, 1, tzinfo=UTC), None), TimeRange(None, datetime(1990, 1, 1, tzinfo=UTC))]
)
async def test_an_open_range_beside_all_events_is_empty(export: Path, beside: TimeRange) -> None:
    async with explorer(export, query=Query(range=beside)) as seen:
        assert seen.part(TotalsPanel).totals.events == 0
        assert seen.part(StatusLine).standing.range
        assert seen.app.is_running


@pytest.mark.parametrize(
    ("shown", "key"),
    [
        (TimeRange(datetime(1990, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)), "left_square_bracket"),
        (TimeRange(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 2, 1, tzinfo=UTC)), "left_square_bracket"),
    ],
)
async def test_a_period_beyond_the_calendar_is_refused_in_words(export: Path, shown: TimeRange, key: str) -> None:
    async with explorer(export, query=Query(range=shown)) as seen:
        await seen.press(key)
        assert seen.query.range == shown
        assert any("out of reach" in note for note in notes(seen))


async def test_enter_opens_the_group_that_was_on_screen(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_answer = threading.Event()
    may_answer.set()
    groups = Ledger.groups

    def slow_groups(ledger: Ledger, query: Query) -> pl.DataFrame:
        may_answer.wait(20)
        return groups(ledger, query)

    monkeypatch.setattr(Ledger, "groups", slow_groups)
    async with explorer(export) as seen:
        seen.screen.group_by(("model",))
        await seen.settle()
        model = seen.column("model")[0]
        assert isinstance(model, str)
        may_answer.clear()
        seen.screen.group_by(("day",))
        await seen.pilot.press("enter")
        may_answer.set()
        await seen.settle()
        assert seen.query.chosen("model") == (model,)
        assert seen.query.group_by == ()
        assert set(seen.column("base_model_name")) == {model}


async def test_f_on_a_month_keeps_the_month_and_on_an_hour_the_hour(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    times = ("2026-09-30 23:59:59 UTC", "2026-10-01 00:00:00 UTC", "2026-10-17 05:10:00 UTC", "2026-10-17 06:00:00 UTC")
    path.write_text("\n".join([HEADER, *(EVENT.format(time) for time in times)]) + "\n")
    async with explorer(path) as seen:
        seen.screen.group_by(("month",))
        await seen.settle()
        assert seen.column("month") == [date(2026, 9, 1), date(2026, 10, 1)]
        await seen.press("down", "right", "f")
        assert seen.query.range == OCTOBER
        assert seen.part(TotalsPanel).totals.events == 3
    hour = by_cell(Query(group_by=("hour",)), "hour", datetime(2026, 10, 17, 5, tzinfo=UTC), without=False)
    assert hour is not None
    assert hour.range == TimeRange(datetime(2026, 10, 17, 5, tzinfo=UTC), datetime(2026, 10, 17, 6, tzinfo=UTC))


@pytest.mark.parametrize("fault", [ImportError("no such module"), pl.exceptions.ComputeError("no"), SystemError("worse")])
async def test_a_fault_of_ours_ends_a_load_in_one_line(export: Path, fault: Exception) -> None:
    def work(**_: Callable[..., None]) -> Loaded:
        raise fault

    async with explorer(export) as seen:
        seen.screen._provenance = seen.screen._loaded = None  # as when it begins to load
        seen.screen._loader._start(threading.Event(), work)
        await seen.until(lambda: bool(seen.screen._load_problem))
        assert type(fault).__name__ in seen.screen._load_problem
        assert any("Please report" in notice for notice in seen.part(NoticeLine).notices)
        assert seen.part(TotalsPanel).partial == "the load failed"


async def test_a_fault_of_ours_ends_a_save_in_one_line(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fwbill_tui.export.writing.write_events", broken)
    monkeypatch.chdir(tmp_path)
    async with explorer(export) as seen:
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: any("ZeroDivisionError" in note for note in notes(seen)))
        assert not seen.screen._saver.running
        assert list(tmp_path.iterdir()) == []


async def test_a_current_folder_that_was_removed_does_not_stop_saving(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, gone = tmp_path / "home", tmp_path / "gone"
    home.mkdir()
    gone.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(gone)
    async with explorer(export) as seen:
        gone.rmdir()
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: any(note.startswith("Saved 1,000 events") for note in notes(seen)))
        assert len(list(home.iterdir())) == 1
        await seen.pilot.press("e")
        await seen.pilot.pause()
        assert seen.app.is_running


@pytest.mark.parametrize("content", ["", HEADER + "\n"])
async def test_every_key_may_be_pressed_where_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usage.csv").write_text(content)
    app = FwbillApp(Launch(query=Query(), inputs=("usage.csv",)))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and not app.screen._loader.running)
        await pilot.pause(0.1)
        screen, table = seen.screen, seen.part(UsageTable)
        bindings = [binding for part in (screen, table) for binding in part.BINDINGS if binding.action != "leave"]
        keys = [key for binding in bindings for key in binding.key.split(",")]
        assert len(keys) > 40
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
            for _ in range(3):
                if app.screen is not screen or app.focused is not table:
                    await pilot.press("escape")
                    await pilot.pause()
            assert app.is_running, key
            assert app.screen is screen, key
            table.focus()


async def test_what_is_copied_is_safe_to_paste(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "usage.csv"
    path.write_text("\n".join([HEADER, EVENT.format("2026-10-17 05:10:00 UTC").replace("a@x.dev", "a\x1b]0;x\x07@x.dev")]) + "\n")
    copied: list[str] = []
    async with explorer(path) as seen:
        monkeypatch.setattr(type(seen.app), "copy_to_clipboard", lambda _, text: copied.append(text))
        names = [column.name for column in seen.part(UsageTable).columns]
        await seen.press(*["right"] * (names.index("email") + 1), "y")
        assert len(copied) == 1
        assert copied[0].startswith("a")
        assert not any(ord(letter) < 32 for letter in copied[0])
        await seen.press("Y")
        header, row = copied[1].split("\n")
        assert header.startswith("start_time,")
        assert "TEXT_COMPLETION" in row
        assert not any(ord(letter) < 32 for letter in header + row)
        await seen.press(*["left"] * 40, *["right"] * (names.index("email") + 1))
        await seen.press("slash", *"nothing like it", "enter")
        copied.clear()
        await seen.press("y", "Y")
        assert copied == [], "there is no row to copy"


async def test_what_is_copied_is_what_would_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "usage.csv"
    event = EVENT.format("2026-10-17 05:10:00 UTC").replace("a@x.dev", '"x, ""y"""').split(",")
    event[HEADER.split(",").index("accelerator_seconds") + 1] = "{}"  # behind the comma of the address
    path.write_text("\n".join([HEADER, *(",".join(event).format(second) for second in (0.1, 0.2, 0.3))]) + "\n")
    copied: list[str] = []
    async with explorer(path) as seen:
        monkeypatch.setattr(type(seen.app), "copy_to_clipboard", lambda _, text: copied.append(text))

        async def copy(*columns: str) -> list[str]:
            copied.clear()
            table = seen.part(UsageTable)
            for column in columns:
                table.move_cursor(0, column)
                await seen.press("y")
            return copied

        assert await copy("start_time", "email") == ["2026-10-17 05:10:00 UTC", 'x, "y"']
        seen.screen.group_by(("month", "usage_type"))
        await seen.settle()
        assert await copy("month", "accelerator_seconds", "events") == ["2026-10", "0.6", "3"]
        await seen.press("Y")
        assert copied[-1].startswith("month,usage_type,")
        assert copied[-1].split("\n")[1].startswith("2026-10,")


async def test_escape_goes_back_to_the_group_one_came_from(export: Path) -> None:
    async with explorer(export) as seen:
        seen.screen.group_by(("user", "day"))
        await seen.settle()
        await seen.press("down", "down", "down")
        user, day = seen.column("user")[3], seen.column("day")[3]
        await seen.press("enter")
        assert seen.query.chosen("user") == (user,)
        await seen.press("escape")
        assert seen.part(UsageTable).cursor == 3
        assert (seen.column("user")[3], seen.column("day")[3]) == (user, day)
        await seen.press("z")
        assert seen.query.chosen("user") == (user,)
        assert seen.part(FilterChips).way_back.startswith("‹ esc to groups by")
        await seen.press("escape")
        assert seen.query.group_by == ("user", "day")
        await seen.press("z", "z", "Z")
        assert seen.part(FilterChips).way_back.startswith("‹ esc to groups by")
        await seen.press("escape")
        assert (seen.query.group_by, seen.part(FilterChips).way_back) == (("user", "day"), "")


async def test_the_top_line_counts_the_events_of_its_range(export: Path) -> None:
    async with explorer(export) as seen:
        assert seen.part(StatusLine).standing.events == 1000
        seen.screen.ask(replace(seen.query, range=OCTOBER, search="kimi"))
        await seen.settle()
        whole = seen.part(TotalsPanel).whole.events
        assert 0 < whole < 1000
        assert seen.part(StatusLine).standing.events == whole


@pytest.mark.parametrize("other_way", ["", "link"])
async def test_a_file_that_is_open_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_way: str) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    before = (tmp_path / "usage.csv").read_bytes()
    (tmp_path / "link").hardlink_to(tmp_path / "usage.csv")
    monkeypatch.chdir(tmp_path)
    async with explorer(tmp_path / "usage.csv") as seen:
        await seen.press("m", *"kimi-k3", "enter")
        await seen.pilot.press("e")
        await seen.until(lambda: isinstance(seen.app.screen, ExportDialog))
        seen.app.screen.query_one("#path", Line).value = other_way or "usage.csv"
        await seen.pilot.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, ConfirmScreen))
        await seen.pilot.press("y")
        await seen.until(lambda: any("is open here" in note for note in notes(seen)))
        assert not seen.screen._saver.running
    assert (tmp_path / "usage.csv").read_bytes() == before


async def test_a_lazy_file_counts_everything_in_the_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    monkeypatch.chdir(tmp_path)
    app = FwbillApp(Launch(query=Query(search="kimi"), inputs=("usage.csv",), lazy=True))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        await pilot.press("e")
        await seen.until(lambda: isinstance(app.screen, ExportDialog))
        await pilot.press("down")
        assert app.screen.query_one("#status", Note).content.startswith("Writes 1,000 events")


async def test_the_export_dialog_follows_what_is_loaded_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "few.csv", 1000)
    write_csv(tmp_path / "all.csv", 2000)
    few, everything = (load(FileSource((str(tmp_path / name),)), [TimeRange()]) for name in ("few.csv", "all.csv"))
    async with explorer(tmp_path / "all.csv") as seen:
        screen = seen.screen
        screen._provenance = None  # as long as a load goes on
        screen._use(few.ledger)
        await seen.settle()
        await seen.pilot.press("e")
        await seen.until(lambda: isinstance(seen.app.screen, ExportDialog))
        dialog = seen.app.screen
        says = dialog.query_one("#status", Note)
        assert says.content.startswith("Writes 1,000 events")
        assert says.content.endswith("partial: still loading")
        screen._provenance = everything.provenance
        screen._use(everything.ledger)
        await seen.until(lambda: screen._rows is not None and screen._rows.total == 2000)
        assert says.content.startswith("Writes 2,000 events")
        assert "partial" not in says.content
        assert "2,000 events" in dialog.query_one("#scope", OneOf).render().plain
        await seen.pilot.press("enter")
        await seen.until(lambda: any(note.title == "Saved" for note in seen.app._notifications))
    (written,) = (path for path in tmp_path.glob("*.csv") if path.name not in {"few.csv", "all.csv"})
    assert pl.read_csv(written).height == 2000


async def test_a_view_without_events_is_saved_with_all_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "none.csv").write_text(HEADER + "\n")
    async with explorer(tmp_path / "none.csv") as seen:
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: any(note.title == "Saved" for note in seen.app._notifications))
    (written,) = (path for path in tmp_path.glob("*.csv") if path.name != "none.csv")
    assert set(HEADER.split(",")) <= set(written.read_text().strip().split(","))


async def test_a_range_that_a_rollup_refuses_is_taken_back(tmp_path: Path) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    load(FileSource([str(tmp_path / "usage.csv")]), [EVERYTHING]).ledger.rollup(Query()).write_parquet(tmp_path / "hours.parquet")
    app = FwbillApp(Launch(query=Query(), inputs=(str(tmp_path / "hours.parquet"),), rollup=True))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        heading = seen.part(StatusLine).standing.range
        assert heading.endswith(f"{seen.screen._ledger.span_of_events.end - timedelta.resolution:%b %-d %Y} · UTC")  # type: ignore[union-attr]
        half = TimeRange(datetime(2026, 10, 25, 10, 30, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
        seen.screen.ask(replace(seen.query, range=half))
        await seen.until(lambda: any("cuts in two" in note for note in notes(seen)))
        await seen.settle()
        assert seen.query == Query()
        assert seen.part(StatusLine).standing.range == heading
        assert seen.part(TotalsPanel).totals.events == 1000
        await pilot.press("e")
        await seen.until(lambda: isinstance(app.screen, ExportDialog))

    app = FwbillApp(Launch(query=Query(range=half), inputs=(str(tmp_path / "hours.parquet"),), rollup=True))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and bool(app.screen._problem))
        assert seen.part(TotalsPanel).partial
        await pilot.press("e", "ctrl+s")
        assert app.is_running


async def test_a_rollup_without_rows_opens(tmp_path: Path) -> None:
    path = tmp_path / "rollup.csv"
    path.write_text(
        "bucket,usage_type,base_model_name,model_bucket,email,accelerator_type,events,prompt_tokens,cached_prompt_tokens,"
        "uncached_prompt_tokens,completion_tokens,accelerator_seconds\n"
    )
    app = FwbillApp(Launch(query=Query(), inputs=(str(path),), rollup=True))
    async with app.run_test(size=(120, 36)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        assert seen.part(TotalsPanel).totals.events == 0


async def test_files_that_cannot_be_read_are_named_as_files(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", 1000)
    (tmp_path / "a.csv").write_text((tmp_path / "a.csv").read_text() + "broken\n")
    for name in ("b.csv", "c.csv", "d.csv"):
        (tmp_path / name).write_text("not,an,export\n")
    async with explorer(tmp_path, launch=Launch(query=Query(), inputs=(str(tmp_path),), skip_unreadable=True)) as seen:
        notices = seen.part(NoticeLine).notices
        assert [notice.partition(":")[0].rpartition("/")[2] for notice in notices[:2]] == ["b.csv", "c.csv"]
        assert notices[2] == "1 more file could not be read"
        first = f"the first: {tmp_path / 'a.csv'}:1002: 1 field where the header has 13"
        said = "1 row could not be read and was not counted (a start with --rejects FILE writes them down); "
        assert notices[3:] == (said + first,)
        assert seen.part(TotalsPanel).totals.events == 1000
    launch = Launch(query=Query(), inputs=(str(tmp_path / "a.csv"),), rejects=tmp_path / "rejects.csv")
    async with explorer(tmp_path, launch=launch) as seen:
        (notice,) = seen.part(NoticeLine).notices
        assert notice.startswith(f"1 row could not be read and was not counted (all in {launch.rejects}); the first: ")
        await seen.until(lambda: (tmp_path / "rejects.csv").exists())
    app = FwbillApp(Launch(query=Query(), inputs=(str(tmp_path),)))
    async with app.run_test(size=(120, 36)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and bool(app.screen._load_problem))
        assert "--skip-unreadable goes on without it" in seen.part(NoticeLine).notices[0]
