"""Stopping a fetch that hangs, wherever it hangs: the user gets the screen back at once. `pytest -s` prints how soon.

What hangs would do so for ten seconds at least, so that the bound of the tests, which a busy machine must hold too, is wide.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from fwbill_tui.archive.archive import Archive
from fwbill_tui.demo.faults import Fault, Faults, Hang, RateLimit, Status
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.gateway import Gateway
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.archived import ArchivedSource
from fwbill_tui.sources.auto import AccountWays, AutoSource
from fwbill_tui.sources.firectl import FirectlSource
from fwbill_tui.sources.rest import RestSource
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import EventTypes

LAST = date(2026, 11, 21)
WANTED = TimeRange(datetime(2026, 8, 24, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
EXPORT, DOWNLOAD, USAGE = "grpc.ExportBillingMetrics", "download", "rest.billingUsage"
SOON = 2.0
"""Seconds. On a quiet machine it takes less than 0.3."""


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(2_000, end=LAST) as running:
        yield running


@pytest.fixture(autouse=True)
def no_faults(server: DemoServer) -> Iterator[None]:
    yield
    server.faults = Faults()


@pytest.fixture
def full() -> Iterator[int]:
    """The port of a server whose queue is full: whoever connects to it waits."""
    if sys.platform != "linux":
        pytest.skip("other systems answer such connections")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]


def stop(source: Any, hangs: Callable[[], bool] = lambda: True, *, wait: float = 0.15) -> float:
    """Fetch, set the event when it `hangs` (and a moment later), and return how long it took until everything had ended."""
    cancelled, ended = threading.Event(), threading.Event()
    outcome: list[BaseException] = []

    def fetch() -> None:
        try:
            for _ in source.batches(WANTED, types=EventTypes(), progress=lambda _: None, cancelled=cancelled):
                pass
        except BaseException as error:
            outcome.append(error)
        ended.set()

    threading.Thread(target=fetch, daemon=True).start()
    deadline = time.monotonic() + 20
    while not hangs() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(wait)
    assert not ended.is_set(), outcome
    began = time.monotonic()
    cancelled.set()
    assert ended.wait(SOON), "it did not end soon"
    took = time.monotonic() - began
    assert isinstance(outcome[0], errors.Cancelled), outcome
    print(f"{os.environ['PYTEST_CURRENT_TEST'].partition('::')[2]}: {took * 1000:.0f} ms")
    return took


def account(server: DemoServer, **options: Any) -> AccountSource:
    endpoints = Endpoints(server.base_url, options.pop("gateway", server.gateway_addr))
    return AccountSource(endpoints, Credential.pasted(server.api_key), "acme-prod", **options)


def asked(server: DemoServer, side: str) -> Callable[[], bool]:
    server.forget_requests()
    return lambda: any(request.side == side for request in server.requests)


@pytest.mark.parametrize(
    ("effect", "route", "side"),
    [
        pytest.param(Hang(), EXPORT, "grpc", id="the gateway is silent"),
        pytest.param(Hang(), DOWNLOAD, "download", id="the download does not begin"),
        pytest.param(Hang("inside"), DOWNLOAD, "download", id="the download stops in the middle"),
        pytest.param(RateLimit(1), EXPORT, "grpc", id="a rate limit is waited out"),
        pytest.param(Status("UNAVAILABLE"), EXPORT, "grpc", id="a pause between tries"),
    ],
)
@pytest.mark.parametrize("archived", [False, True], ids=["alone", "archived"])
def test_a_fetch_of_events(server: DemoServer, tmp_path: Path, effect: Any, route: str, side: str, archived: bool) -> None:
    server.faults = Faults((Fault(effect, route),))
    source: Any = account(server)
    if archived:
        source = ArchivedSource(source, Archive(tmp_path).account("host", "acme-prod"))
    stop(source, asked(server, side))


def test_a_look_whether_a_refused_key_is_good_is_no_answer_when_it_is_stopped(server: DemoServer) -> None:
    server.faults = Faults((Fault(Status("UNAUTHENTICATED"), EXPORT), Fault(Hang(), "rest.verifyApiKey")))
    endpoints = Endpoints(server.base_url, server.gateway_addr)
    source = AutoSource(AccountWays(endpoints, Credential.pasted(server.api_key), "acme-prod", environ={}))
    stop(source, asked(server, "rest"))


@pytest.mark.parametrize("moment", ["before", "inside"])
def test_a_fetch_of_usage_by_day(server: DemoServer, moment: Any) -> None:
    server.faults = Faults((Fault(Hang(moment), USAGE),))
    source = RestSource(Endpoints(server.base_url), Credential.pasted(server.api_key), "acme-prod")
    stop(source, asked(server, "rest"))


def test_connecting_to_the_gateway_hangs(server: DemoServer, full: int) -> None:
    stop(account(server, gateway=f"127.0.0.1:{full}"), wait=0.4)


def test_connecting_to_the_rest_api_hangs(full: int) -> None:
    source = RestSource(Endpoints(f"http://127.0.0.1:{full}"), Credential.pasted("fw_key1234567"), "acme-prod")
    stop(source, wait=0.4)


def test_connecting_to_the_downloads_hangs(server: DemoServer, full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gateway, "export_metrics", lambda *_, **__: [f"http://127.0.0.1:{full}/x"])
    stop(account(server), wait=0.4)


def test_looking_up_a_name_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gone.wait(8) and [])
    source = RestSource(Endpoints("https://fwbill.invalid"), Credential.pasted("fw_key1234567"), "acme-prod")
    try:
        stop(source, wait=0.2)
    finally:
        gone.set()


@pytest.mark.parametrize("stubborn", [False, True])
def test_firectl_hangs(firectl: Any, stubborn: bool) -> None:
    firectl.behave(hangs=True, stubborn=stubborn)
    environ = dict(os.environ) | {"FWBILL_FIRECTL": str(firectl.program)}
    stop(FirectlSource(Credential.pasted("fw_key1234567"), "acme-prod", environ=environ), lambda: firectl.child > 0)
    for pid in (firectl.child, *(call["pid"] for call in firectl.calls)):
        for _ in range(200):
            if not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.01)
        else:
            assert "zombie" in Path(f"/proc/{pid}/status").read_text()


def test_every_way_hangs_one_after_the_other(server: DemoServer) -> None:
    server.faults = Faults((Fault(Hang(), USAGE), Fault(Status("UNIMPLEMENTED"), EXPORT)))
    ways = AccountWays(Endpoints(server.base_url, server.gateway_addr), Credential.pasted(server.api_key), "acme-prod")
    stop(AutoSource(ways), asked(server, "rest"))
