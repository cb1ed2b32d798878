"""Which way is taken, and what is said of it, with real servers and a stand-in for firectl."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from left_behind import threads

from fwbill_tui.demo.faults import Fault, Faults, Hang, Reset, Status, Truncated, refusal
from fwbill_tui.demo.generator import Plan
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential, find_credentials
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.settings import SettingError
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.archived import ArchivedSource
from fwbill_tui.sources.auto import AccountWays, AutoSource
from fwbill_tui.sources.firectl import FirectlSource
from fwbill_tui.sources.loading import load
from fwbill_tui.sources.opening import SourceChoice, open_account
from fwbill_tui.sources.rest import RestSource
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import EventTypes

QUICK = RetryPolicy(first=0.002, first_when_limited=0.002, longest=0.01)
EXPORT, DOWNLOAD, USAGE = "grpc.ExportBillingMetrics", "download", "rest.billingUsage"
NO_EXPORT = Fault(Status("UNIMPLEMENTED"), EXPORT)
NO_REST = Fault(refusal(501), USAGE)
AUTUMN = TimeRange(datetime(2026, 9, 10, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(2_000, end=date(2026, 11, 22)) as running:
        yield running
        assert running.errors == ()


@pytest.fixture
def ways(server: DemoServer, firectl: Any, tmp_path: Path) -> Iterator[Callable[..., AccountWays]]:
    Plan(2_000, end=date(2026, 11, 22)).write_csv(firectl.program.with_name("events.csv"))

    def make(*faults: Fault, with_firectl: bool = True, **options: Any) -> AccountWays:
        server.forget_requests()
        server.faults = Faults(faults)
        environ = {"PATH": "/usr/bin:/bin"} | ({"FWBILL_FIRECTL": str(firectl.program)} if with_firectl else {})
        endpoints = options.pop("endpoints", Endpoints(server.base_url, server.gateway_addr))
        credential = options.pop("credential", None) or Credential.pasted(options.pop("key", server.api_key))
        account = options.pop("account", "acme-prod")
        return AccountWays(endpoints, credential, account, environ=environ, policy=QUICK, **options)

    yield make
    server.faults = Faults()
    assert threads() == []


def sides(server: DemoServer) -> set[str]:
    return {request.side for request in server.requests}


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_gateway_is_the_best_way(server: DemoServer, ways: Any, firectl: Any) -> None:
    source = AutoSource(ways())
    assert (source.kind, source.label) == ("gateway", "gateway export")
    loaded = load(source, [AUTUMN])
    assert loaded.ledger.events.height == server.expected(AUTUMN).height
    assert (loaded.provenance.kind, loaded.provenance.grain, loaded.provenance.notes) == ("gateway", "event", ())
    assert sides(server) == {"grpc", "download"}
    assert firectl.calls == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (NO_EXPORT, "the service does not have this call"),
        (Fault(Status("UNIMPLEMENTED", trailers=True), EXPORT), "UNIMPLEMENTED"),
        (Fault(Reset(), EXPORT), "UNAVAILABLE"),
        (Fault(Status("UNAUTHENTICATED"), EXPORT), "UNAUTHENTICATED"),
        (Fault(Reset(), DOWNLOAD), "connection broke"),
    ],
)
def test_firectl_is_the_next_best(server: DemoServer, ways: Any, fault: Fault, why: str) -> None:
    source = AutoSource(ways(fault))
    loaded = load(source, [AUTUMN])
    assert loaded.ledger.events.height == server.expected(AUTUMN).height
    provenance = loaded.provenance
    assert (provenance.kind, provenance.label, provenance.grain) == ("firectl", "firectl export", "event")
    (note,) = provenance.notes
    assert note.startswith("gateway export not used: ")
    assert why in note
    assert (source.kind, source.label) == ("firectl", "firectl export")


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (None, "firectl would ask gateway.fireworks.ai:443, not the address set here"),
        ({"spelling": ["no", "such"]}, "no export of billing metrics"),
        ({"failures": -1, "says": "panic: nil map"}, "panic: nil map"),
        ({"failures": -1, "says": "rpc error: code = Unimplemented desc = x"}, "does not have this call"),
        ({"failures": -1, "says": "rpc error: code = Unavailable desc = dial tcp"}, "not reached"),
        ({"failures": -1, "says": "rpc error: code = Unauthenticated desc = x"}, "the key was refused"),
    ],
)
def test_days_are_better_than_nothing(
    server: DemoServer, ways: Any, firectl: Any, behaviour: dict[str, Any] | None, why: str
) -> None:
    if behaviour:
        firectl.behave(**behaviour)
    loaded = load(AutoSource(ways(NO_EXPORT, with_firectl=behaviour is not None)), [AUTUMN])
    provenance = loaded.provenance
    assert (provenance.kind, provenance.label, provenance.grain) == ("rest", "REST usage by day", "day")
    assert provenance.complete
    gateway, other, *_ = provenance.notes
    assert gateway.startswith("gateway export not used: ")
    assert other.startswith("firectl export not used: ")
    assert why in other
    assert server.api_key not in str(provenance)
    assert loaded.ledger.events.height > 0


def test_an_unreachable_gateway_is_passed_by(server: DemoServer, ways: Any) -> None:
    endpoints = Endpoints(server.base_url, f"127.0.0.1:{closed_port()}")
    provenance = load(AutoSource(ways(endpoints=endpoints, with_firectl=False)), [AUTUMN]).provenance
    assert provenance.kind == "rest"
    assert "not reached" in provenance.notes[0]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"key": "fw_nobodyKnowsThisKey"}, errors.SignInRefused),
        ({"account": "somebody-else"}, errors.NoPermission),
        ({"faults": [Fault(Status("NOT_FOUND"), EXPORT)]}, errors.NoSuchAccount),
        ({"faults": [Fault(Status("PERMISSION_DENIED"), EXPORT)]}, errors.NoPermission),
        ({"faults": [Fault(Status("INTERNAL"), EXPORT)]}, errors.ServiceError),
        ({"faults": [Fault(Status("FAILED_PRECONDITION"), EXPORT)]}, errors.RequestRefused),
    ],
)
def test_what_is_about_the_key_or_the_account_is_final(
    server: DemoServer, ways: Any, firectl: Any, options: dict[str, Any], kind: type[Exception]
) -> None:
    source = AutoSource(ways(*options.pop("faults", ()), **options))
    with pytest.raises(kind):
        load(source, [AUTUMN])
    assert firectl.calls == []
    assert not any("billingUsage" in request.path for request in server.requests)
    assert source.provenance().kind == "gateway"
    assert source.provenance().missing


def test_when_no_way_works_the_last_reason_is_raised(server: DemoServer, ways: Any, firectl: Any) -> None:
    firectl.behave(failures=-1, says="rpc error: code = Unimplemented desc = x")
    source = AutoSource(ways(NO_EXPORT, NO_REST))
    with pytest.raises(errors.Unimplemented, match="billingUsage"):
        load(source, [AUTUMN])
    assert [note.partition(":")[0] for note in source.provenance().notes] == [
        "gateway export not used",
        "firectl export not used",
    ]


@pytest.mark.parametrize("effect", [Truncated(), Truncated(length=False), Reset("inside")])
def test_a_download_that_comes_only_in_part_is_final(server: DemoServer, ways: Any, firectl: Any, effect: Any) -> None:
    source = AutoSource(ways(Fault(effect, DOWNLOAD)))
    with pytest.raises(errors.CutShort, match=r"only in part|broke"):
        load(source, [TimeRange(datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC))])
    assert firectl.calls == []
    assert not any("billingUsage" in request.path for request in server.requests)


def test_one_window_in_trouble_is_no_reason_to_leave(server: DemoServer, ways: Any, firectl: Any) -> None:
    day = TimeRange(datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))
    source = AutoSource(ways(Fault(Reset("inside"), DOWNLOAD, window=day)))
    loaded = load(source, [AUTUMN])
    assert loaded.provenance.kind == "gateway"
    ((window, _),) = loaded.provenance.missing
    assert firectl.calls == []

    server.faults = Faults((NO_EXPORT,))
    types = loaded.builder.types
    with pytest.raises(errors.Unimplemented):  # what is missing of a load comes the same way or not at all
        list(source.batches(window, types=types, progress=lambda _: None, cancelled=threading.Event()))
    assert firectl.calls == []


def test_the_next_load_begins_with_the_best_again(server: DemoServer, ways: Any) -> None:
    source = AutoSource(ways(NO_EXPORT))
    first = load(source, [AUTUMN])
    server.faults = Faults()
    again = load(source, [AUTUMN])
    assert (first.provenance.kind, again.provenance.kind) == ("firectl", "gateway")
    assert again.provenance.notes == ()
    assert again.ledger.events.height == first.ledger.events.height


@pytest.fixture
def sso(tmp_path: Path) -> Credential:
    folder = tmp_path / "user" / ".fireworks"
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text("account_id = acme-prod\nrefresh_token = canary\n")
    (credential,) = find_credentials({}, tmp_path / "user")
    return credential


def test_a_browser_sign_in_goes_through_firectl(
    server: DemoServer, ways: Any, sso: Credential, firectl: Any, tmp_path: Path
) -> None:
    loaded = load(AutoSource(ways(credential=sso, home=tmp_path / "user")), [AUTUMN])
    assert loaded.provenance.kind == "firectl"
    assert loaded.provenance.notes == (
        "gateway export not used: signed in by SSO without an API key; this works through firectl only",
    )
    assert loaded.ledger.events.height == server.expected(AUTUMN).height
    assert server.requests == ()


def test_a_browser_sign_in_that_firectl_refuses_is_refused(ways: Any, sso: Credential, firectl: Any, tmp_path: Path) -> None:
    firectl.behave(failures=-1, says="rpc error: code = Unauthenticated desc = expired")
    with pytest.raises(errors.SignInRefused, match="firectl login"):
        load(AutoSource(ways(credential=sso, home=tmp_path / "user")), [AUTUMN])


def test_a_browser_sign_in_without_firectl_says_what_to_do(ways: Any, sso: Credential) -> None:
    with pytest.raises(errors.ToolMissing, match="install firectl"):
        load(AutoSource(ways(credential=sso, with_firectl=False, endpoints=Endpoints())), [AUTUMN])
    with pytest.raises(errors.SignInRefused, match="FWBILL_FIRECTL"):
        load(AutoSource(ways(credential=sso, with_firectl=False)), [AUTUMN])


def test_a_cancel_leads_nowhere_else(server: DemoServer, ways: Any, firectl: Any) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.15, cancelled.set)
    timer.start()
    source = AutoSource(ways(Fault(Hang(), EXPORT)))
    with pytest.raises(errors.Cancelled):
        list(source.batches(AUTUMN, types=EventTypes(), progress=lambda _: None, cancelled=cancelled))
    timer.join()
    assert firectl.calls == []


def test_each_way_can_be_had_alone(server: DemoServer) -> None:
    endpoints, credential = Endpoints(server.base_url, server.gateway_addr), Credential.pasted("fw_a")
    choices: tuple[SourceChoice, ...] = get_args(SourceChoice)
    kinds = [type(open_account(endpoints, credential, "accounts/acme", choice=choice)) for choice in choices]
    assert kinds == [ArchivedSource, AccountSource, FirectlSource, RestSource, ArchivedSource]
    assert type(open_account(endpoints, credential, "acme", keep=False)) is AutoSource
    with pytest.raises(errors.BadAccountId):
        open_account(endpoints, credential, "../acme")


def test_a_way_that_keeps_nothing_asks_for_no_folder(server: DemoServer) -> None:
    endpoints, credential = Endpoints(server.base_url, server.gateway_addr), Credential.pasted("fw_a")
    options: Any = {"environ": {"FWBILL_DATA_DIR": "~no-such-user/x"}}
    assert type(open_account(endpoints, credential, "acme", choice="gateway", **options)) is AccountSource
    assert type(open_account(endpoints, credential, "acme", keep=False, **options)) is AutoSource
    for choice in ("auto", "archive"):
        with pytest.raises(SettingError, match="FWBILL_DATA_DIR names the folder ~no-such-user/x"):
            open_account(endpoints, credential, "acme", choice=choice, **options)
