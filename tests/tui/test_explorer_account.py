"""The explorer on an account: windows, faults, cancelling, and fetching again what is missing."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from explorer_support import Explorer

from fwbill_tui.demo.faults import Delay, Fault, Faults, Status, refused
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.launch import Launch
from fwbill_tui.sources.loading import load
from fwbill_tui.sources.opening import open_account
from fwbill_tui.sources.source import Source
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.accounts import AccountsScreen
from fwbill_tui.tui.screens.date_range import DateRangeScreen
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.login import LoginScreen
from fwbill_tui.tui.widgets.calendar import RangeCalendar
from fwbill_tui.tui.widgets.chart import UsageChart
from fwbill_tui.tui.widgets.fetch_panel import FetchPanel
from fwbill_tui.tui.widgets.status import NoticeLine, StatusLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.tui.widgets.usage_table import HEADER, UsageTable
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.zones import local_date, start_of_day

END = date(2026, 11, 22)
ALL = TimeRange(datetime(2026, 8, 25, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
FIRST_WINDOW = TimeRange(ALL.start, datetime(2026, 9, 20, tzinfo=UTC))
QUICK = RetryPolicy(first=0.002, first_when_limited=0.002, longest=0.01)


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(3_000, end=END) as running:
        yield running


@asynccontextmanager
async def on_account(
    server: DemoServer, shown: TimeRange = ALL, key: str = "", source: Source | None = None
) -> AsyncIterator[Explorer]:
    endpoints = Endpoints(server.base_url, server.gateway_addr)
    source = source or AccountSource(endpoints, Credential.pasted(key or server.api_key), "acme-prod", policy=QUICK)
    app = FwbillApp(Launch(query=Query(), inputs=()))
    app.enter = lambda **_: app.push_screen(ExplorerScreen(source, Query(range=shown), account="acme-prod"))  # type: ignore[assignment,return-value]
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen))
        yield seen


async def loaded(seen: Explorer) -> None:
    await seen.until(lambda: seen.screen._provenance is not None)
    await seen.settle()


async def test_what_is_kept_opens_without_asking_anybody(server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREWORKS_BASE_URL", server.base_url)
    endpoints = Endpoints(server.base_url, server.gateway_addr)
    load(open_account(endpoints, Credential.pasted(server.api_key), "acme-prod"), [FIRST_WINDOW])
    server.forget_requests()
    launch = Launch(query=Query(range=FIRST_WINDOW), account_id="accounts/acme-prod", source="archive")
    async with FwbillApp(launch).run_test(size=(120, 36)) as pilot:
        seen = Explorer(pilot.app, pilot)
        await seen.until(lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await loaded(seen)
        assert seen.part(TotalsPanel).totals.events == server.expected(FIRST_WINDOW).height
        assert seen.part(StatusLine).standing.account == "acme-prod"
        await seen.until(lambda: date(2026, 9, 19) in seen.part(UsageChart).day_states)
        await seen.press("right_square_bracket")
        await seen.until(lambda: date(2026, 9, 19) not in seen.part(UsageChart).day_states)
        assert set(seen.part(UsageChart).day_states.values()) == {"missing"}
        await pilot.press("d")
        await seen.until(lambda: isinstance(pilot.app.screen, DateRangeScreen))
        states = pilot.app.screen.query_one(RangeCalendar)._states
        assert states is not None
        assert (states[date(2026, 9, 19)], states[date(2026, 9, 20)]) == ("have", "missing")
    assert server.requests == ()


async def test_a_range_beyond_31_days_is_whole(server: DemoServer) -> None:
    async with on_account(server) as seen:
        await loaded(seen)
        expected = server.expected(ALL)
        totals = seen.part(TotalsPanel).totals
        assert totals.events == expected.height
        assert totals.prompt_tokens == expected["prompt_tokens"].sum()
        assert seen.part(TotalsPanel).partial == ""
        assert seen.part(StatusLine).standing.account == "acme-prod"


async def test_only_what_is_missing_of_the_range_on_show_makes_it_partial(server: DemoServer) -> None:
    server.faults = Faults((replace(refused(503, route="grpc.ExportBillingMetrics"), window=FIRST_WINDOW),))
    async with on_account(server) as seen:
        await loaded(seen)
        assert seen.part(TotalsPanel).partial == "1 part missing"
        day = TimeRange(datetime(2026, 11, 13, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC))
        seen.screen.ask(replace(seen.screen.query_now, range=day))
        await seen.settle()
        assert seen.part(TotalsPanel).totals.events == server.expected(day).height
        assert (seen.part(TotalsPanel).partial, seen.screen.partial()) == ("", "")
        assert not any("missing" in notice for notice in seen.part(NoticeLine).notices)
        seen.screen.ask(replace(seen.screen.query_now, range=replace(ALL, end=FIRST_WINDOW.end)))
        await seen.settle()
        assert "missing" in seen.part(TotalsPanel).partial
        assert any("Aug 25" in notice for notice in seen.part(NoticeLine).notices)


async def test_sums_per_day_are_cut_anew_when_the_time_zone_changes(server: DemoServer) -> None:
    server.faults = Faults((Fault(Status("UNIMPLEMENTED"), "grpc.ExportBillingMetrics"),))
    endpoints, zone = Endpoints(server.base_url, server.gateway_addr), "America/New_York"
    source = open_account(endpoints, Credential.pasted(server.api_key), "acme-prod", policy=QUICK)
    async with on_account(server, source=source) as seen:
        await loaded(seen)
        shown = TimeRange(start_of_day(date(2026, 11, 2), zone), start_of_day(date(2026, 11, 4), zone))
        seen.screen.ask(replace(seen.screen.query_now, range=shown, time_zone=zone))
        await loaded(seen)
        events = seen.screen._ledger.events
        text = pl.col("usage_type").cast(pl.String) == "TEXT_COMPLETION_INFERENCE_USAGE"
        expected = server.expected(shown).filter(text)["prompt_tokens"].sum()
        assert events.filter(text & (pl.col("start_time") >= shown.start))["prompt_tokens"].sum() == expected
        assert {start_of_day(local_date(start, zone), zone) == start for start in events["start_time"]} == {True}


async def test_a_day_that_is_told_as_sums_has_no_hours(server: DemoServer) -> None:
    server.faults = Faults((Fault(Status("UNIMPLEMENTED"), "grpc.ExportBillingMetrics"),))
    source = open_account(
        Endpoints(server.base_url, server.gateway_addr), Credential.pasted(server.api_key), "acme-prod", policy=QUICK
    )
    day = TimeRange(datetime(2026, 11, 13, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC))
    async with on_account(server, source=source) as seen:
        await loaded(seen)
        seen.screen.ask(replace(seen.screen.query_now, range=day))
        await loaded(seen)
        await seen.until(lambda: seen.part(UsageChart).series is not None and len(seen.part(UsageChart).series.starts) == 1)
        assert seen.part(UsageChart).series.unit == "day"
        assert seen.part(StatusLine).standing.rows == "day sums"
        assert "day sums" in seen.part(TotalsPanel).render_line(0).text
        assert seen.part(UsageChart).row_names[1] == "day sums"
        assert seen.part(FetchPanel).found.endswith("day sums")

        def notices() -> str:
            return " ".join(seen.part(NoticeLine).notices)

        seen.screen.ask(replace(seen.screen.query_now, search="kimi"))
        await seen.until(lambda: "not the whole answer: sums per day have no bucket, user to be searched" in notices())
        seen.screen.ask(replace(seen.screen.query_now, search="", group_by=("user",)))
        await seen.until(lambda: "not the whole answer: sums per day have no user" in notices() and "searched" not in notices())
        seen.screen.ask(replace(seen.screen.query_now, group_by=("model",)))
        await seen.until(lambda: "not the whole answer" not in notices())

        seen.screen.ask(replace(seen.screen.query_now, group_by=("hour",)))
        await seen.until(lambda: any("no hours" in notice for notice in seen.part(NoticeLine).notices))

        seen.screen.ask(replace(seen.screen.query_now, group_by=(), range=replace(day, end=day.end - timedelta(hours=12))))
        await loaded(seen)
        assert any("choose whole days" in notice for notice in seen.part(NoticeLine).notices)
        assert seen.part(TotalsPanel).totals.events == 0


async def test_a_failed_window_is_named_and_fetched_again(server: DemoServer) -> None:
    server.faults = Faults((replace(refused(503, route="grpc.ExportBillingMetrics"), window=FIRST_WINDOW),))
    async with on_account(server) as seen:
        await loaded(seen)
        assert 0 < seen.part(TotalsPanel).totals.events < server.expected(ALL).height
        assert "missing" in seen.part(TotalsPanel).partial
        assert any("Aug 25" in notice and "missing" in notice for notice in seen.part(NoticeLine).notices)
        server.faults = Faults(())
        await seen.pilot.press("r")
        await loaded(seen)
        assert seen.part(TotalsPanel).totals.events == server.expected(ALL).height
        assert seen.part(TotalsPanel).partial == ""
        assert seen.part(NoticeLine).notices == ()


async def test_what_is_fetched_again_in_vain_is_missing_as_before(server: DemoServer) -> None:
    server.faults = Faults((replace(refused(503, route="grpc.ExportBillingMetrics"), window=FIRST_WINDOW),))
    async with on_account(server) as seen:
        await loaded(seen)
        before = seen.part(StatusLine).standing.fetched_at
        server.faults = Faults((refused(500),))
        await seen.pilot.press("r")
        await loaded(seen)
        assert seen.part(TotalsPanel).partial == "1 part missing"
        assert any("Aug 25" in notice and "500" in notice for notice in seen.part(NoticeLine).notices)
        assert seen.part(StatusLine).standing.fetched_at == before
        seen.screen.ask(replace(seen.screen.query_now, search="nobody"))
        await seen.settle()
        assert "No events match" in seen.part(UsageTable).render_line(HEADER + 1).text
        day = replace(ALL, start=ALL.end - timedelta(days=1))
        seen.screen.ask(replace(seen.screen.query_now, search="", range=day))
        await seen.settle()
        assert seen.part(TotalsPanel).totals.events == server.expected(day).height
        assert seen.part(TotalsPanel).partial == ""
        seen.screen.ask(replace(seen.screen.query_now, range=ALL))
        server.faults = Faults(())
        server.forget_requests()
        await seen.pilot.press("r")
        await loaded(seen)
        assert seen.part(TotalsPanel).totals.events == server.expected(ALL).height
        assert sum(request.method == "ExportBillingMetrics" for request in server.requests) == 1


async def test_escape_stops_a_load_and_says_so(server: DemoServer) -> None:
    server.faults = Faults((Fault(Delay(5.0), route="download"),))
    async with on_account(server) as seen:
        await seen.until(lambda: seen.part(FetchPanel).has_class("running"))
        await seen.pilot.press("escape")
        await seen.until(lambda: not seen.screen._loader.running)
        await seen.until(lambda: not seen.part(FetchPanel).has_class("running"))
        assert seen.part(TotalsPanel).partial
        await seen.settle()
        assert "r fetches it again" in seen.part(UsageTable).render_line(HEADER + 1).text


async def test_a_wrong_key_says_what_to_do(server: DemoServer) -> None:
    async with on_account(server, key="fw_wrong_wrong_wrong") as seen:
        await seen.until(lambda: bool(seen.screen._load_problem))
        (notice, *_) = seen.part(NoticeLine).notices
        assert "key" in notice
        assert "fw_wrong" not in notice
        assert seen.part(TotalsPanel).partial


async def test_only_a_range_that_is_not_there_is_fetched(server: DemoServer) -> None:
    async with on_account(server) as seen:
        await loaded(seen)
        server.forget_requests()
        inside = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC))
        seen.screen.ask(replace(seen.query, range=inside))
        await seen.settle()
        assert server.requests == ()
        assert seen.part(TotalsPanel).totals.events == server.expected(inside).height


async def test_demo_signs_in_by_itself_and_login_is_always_reachable() -> None:
    app = FwbillApp(Launch(query=Query(), demo_rows=2_000))
    async with app.run_test(size=(80, 24)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        assert seen.part(TotalsPanel).totals.events > 0
        await pilot.press("ctrl+l")
        await seen.until(lambda: isinstance(app.screen, LoginScreen))
        await pilot.press("enter")
        await seen.until(lambda: isinstance(app.screen, AccountsScreen))
        await pilot.press("down", "enter")
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        assert seen.part(StatusLine).standing.account == "acme-staging"
        await pilot.press("ctrl+l")
        await seen.until(lambda: isinstance(app.screen, LoginScreen))
        await pilot.press("escape")
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen))


async def test_the_demo_knows_when_its_usage_began() -> None:
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
    app = FwbillApp(Launch(query=Query(range=TimeRange(None, end)), demo_rows=2_000))
    async with app.run_test(size=(80, 24)) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        assert seen.query.range.end == end
        assert end - seen.query.range.start > timedelta(days=60)
        assert seen.part(TotalsPanel).totals.events > 1_000


async def test_a_demo_that_cannot_begin_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more_files(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("fwbill_tui.tui.entrance.demo_doorway", no_more_files)
    app = FwbillApp(Launch(query=Query(), demo_rows=1_000))
    async with app.run_test() as pilot:
        for _ in range(100):
            if app.return_value is not None:
                break
            await pilot.pause(0.02)
        assert app.return_value == 1
        assert ["Too many open files" in str(said) for said in app._exit_renderables] == [True]
