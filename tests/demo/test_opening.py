"""The explorer as it opens: on the demo twice, and on an account whose server is there no more."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.login import LoginScreen
from fwbill_tui.tui.widgets.fields import Line
from fwbill_tui.tui.widgets.status import StatusLine
from fwbill_tui.usage.query import Query
from fwbill_tui.usage.ranges import parse_range

LAST = datetime.now(UTC).date() - timedelta(days=1)
"""A day that is not final yet, and so is fetched again."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("FIREWORKS_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(RetryPolicy, "pause", lambda *_: 0.01)


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    for _ in range(1500):
        await pilot.pause(0.02)
        if holds():
            return
    raise AssertionError("it never came")


async def opened(app: FwbillApp, pilot: Pilot[Any]) -> ExplorerScreen:
    """The explorer when everything has been loaded that will be."""
    await until(pilot, lambda: isinstance(app.screen, ExplorerScreen))
    screen = app.screen
    assert isinstance(screen, ExplorerScreen)
    await until(pilot, lambda: bool(screen.query(StatusLine)) and not screen.loading and screen._provenance is not None)
    await until(pilot, lambda: screen._summed is not None and screen._summed is screen._asked)
    return screen


async def test_the_demo_opens_a_second_time_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    servers: list[DemoServer] = []

    class Watched(DemoServer):
        def __enter__(self) -> Watched:
            servers.append(self)
            return super().__enter__()

    monkeypatch.setattr("fwbill_tui.demo.server.DemoServer", Watched)
    seen = []
    for _ in range(2):
        app = FwbillApp(Launch(query=Query(), demo_rows=2_000))
        async with app.run_test(size=(120, 36)) as pilot:
            screen = await opened(app, pilot)
            seen.append((screen.query_one(StatusLine).standing, screen._provenance, servers[-1].requests))
    (first, fetched, asked), (second, kept, none) = seen
    assert {request.side for request in asked} == {"rest", "grpc", "download"}
    assert none == ()
    assert (first.events, first.range) == (second.events, second.range) == (2_000, first.range)
    assert (first.source, second.source) == ("gateway export", "archive")
    assert first.fetched_at == second.fetched_at
    assert fetched is not None
    assert kept is not None
    assert any(re.search(r"kept as of .* UTC, may still grow", note) for note in kept.notes)


def launch(server: DemoServer, monkeypatch: pytest.MonkeyPatch, wanted: str) -> FwbillApp:
    monkeypatch.setenv("FIREWORKS_API_KEY", server.api_key)
    monkeypatch.setenv("FIREWORKS_BASE_URL", server.base_url)
    monkeypatch.setenv("FIREWORKS_GATEWAY_ADDR", server.gateway_addr)
    query = Query(range=parse_range(wanted, today=LAST, time_zone="UTC"))
    return FwbillApp(Launch(query=query, account_id="acme-prod"))


async def test_with_the_server_stopped_an_account_still_opens_and_says_how_old_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with DemoServer(rows=1_000, end=LAST) as server:
        app = launch(server, monkeypatch, "30d")
        async with app.run_test(size=(120, 36)) as pilot:
            first = (await opened(app, pilot)).query_one(StatusLine).standing
    assert first.source == "gateway export"

    app = launch(server, monkeypatch, "30d")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(app, pilot)
        standing = screen.query_one(StatusLine).standing
        assert (standing.source, standing.events, standing.fetched_at) == ("archive", first.events, first.fetched_at)
        await pilot.press("r")  # which fails, and takes nothing away
        await until(
            pilot, lambda: screen._provenance is not None and "could not be fetched again" in str(screen._provenance.notes)
        )
        assert screen.query_one(StatusLine).standing.events == first.events

    app = launch(server, monkeypatch, "40d")  # more than is kept
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(app, pilot)
        assert screen.query_one(StatusLine).standing.events == first.events
        assert screen._provenance is not None
        ((missing, why),) = screen._provenance.missing
        assert missing.start is not None
        assert missing.start.date() == LAST - timedelta(days=39)
        assert "not reached" in why


async def test_a_range_of_which_nothing_is_kept_needs_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with DemoServer(rows=1_000, end=LAST) as server:
        app = launch(server, monkeypatch, "7d")
        async with app.run_test(size=(120, 36)) as pilot:
            await opened(app, pilot)
    app = launch(server, monkeypatch, "2026-09")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "not reached" in str(app.screen.query_one("#status").render()))
        assert isinstance(app.screen, LoginScreen)


async def test_a_wrong_key_that_is_pasted_opens_nothing_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with DemoServer(rows=1_000, end=LAST) as server:
        app = launch(server, monkeypatch, "7d")
        async with app.run_test(size=(120, 36)) as pilot:
            await opened(app, pilot)
        app = launch(server, monkeypatch, "7d")
        monkeypatch.delenv("FIREWORKS_API_KEY")
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: bool(app.screen.query("#key")))
            app.screen.query_one("#key", Line).value = "fw_nobodyKnowsThisKey"
            await pilot.press("enter")
            await until(pilot, lambda: "the key was refused" in str(app.screen.query_one("#status").render()))
