"""Each fault as a client sees it, and which requests the rules strike."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import grpc
import httpx
import pytest
from demo_support import WEEK, Export

from fwbill_tui.demo.faults import (
    NO_FAULTS,
    Answer,
    Delay,
    Effect,
    Fault,
    Faults,
    Gzip,
    Hang,
    Injector,
    RateLimit,
    Reset,
    Status,
    Truncated,
    WrongTypes,
    html,
    redirect,
    refusal,
    refused,
)  # fmt: skip
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.usage.query import TimeRange


# -- which requests are struck -----------------------------------------------------------------------------------------
def struck(faults: Faults, *requests: tuple[str, TimeRange | None]) -> list[tuple[Effect, ...]]:
    injector = Injector(faults)
    return [injector.strike(route, window) for route, window in requests]


def test_first_so_many_requests_of_a_route() -> None:
    faults = Faults((Fault(Hang(), route="rest.*", times=2),))
    requests = [("rest.accounts", None), ("download", None), ("rest.billingUsage", None), ("rest.accounts", None)]
    assert struck(faults, *requests) == [(Hang(),), (), (Hang(),), ()]


def test_requests_for_a_range() -> None:
    faults = Faults((Fault(Hang(), window=WEEK),))
    before = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), WEEK.start)
    across = TimeRange(datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert struck(faults, ("x", before), ("x", across), ("x", TimeRange()), ("x", None)) == [(), (Hang(),), (Hang(),), ()]


def test_delays_join_the_first_other_effect() -> None:
    faults = Faults((Fault(Delay(0.1)), Fault(Hang(), times=1), Fault(Reset()), Fault(Delay(0.2))))
    assert struck(faults, ("x", None), ("x", None)) == [
        (Delay(0.1), Delay(0.2), Hang()),
        (Delay(0.1), Delay(0.2), Reset()),
    ]


def test_a_share_is_random_but_the_same_every_time() -> None:
    def hits(seed: int) -> list[bool]:
        return [bool(effects) for effects in struck(Faults((Fault(Hang(), share=0.05),), seed), *[("x", None)] * 2_000)]

    assert hits(1) == hits(1) != hits(2)
    assert 50 < sum(hits(1)) < 150


def test_a_rate_limit_lets_so_many_pass_and_says_when_more_will() -> None:
    injector = Injector(Faults((Fault(RateLimit(3, seconds=0.3), route="rest.*"),)))
    assert [injector.strike("rest.accounts") for _ in range(3)] == [(), (), ()]
    ((refused_, *_),) = {injector.strike("rest.accounts") for _ in range(5)}
    assert isinstance(refused_, Answer)
    assert (refused_.status, dict(refused_.headers)["Retry-After"]) == (429, "1")
    assert injector.strike("download") == ()
    time.sleep(0.31)
    assert injector.strike("rest.accounts") == ()


def test_a_rate_limit_may_be_silent() -> None:
    injector = Injector(Faults((Fault(RateLimit(1, told=False)),)))
    assert injector.strike("rest.accounts") == ()
    (refused_,) = injector.strike("rest.accounts")
    assert isinstance(refused_, Answer)
    assert "Retry-After" not in dict(refused_.headers)


def test_faults_change_at_run_time_and_count_anew(server: DemoServer, api: httpx.Client) -> None:
    once = Faults((refused(500, times=1),))
    seen = []
    for faults in (once, None, once, NO_FAULTS):
        if faults is not None:
            server.faults = faults
        seen.append(api.get("/v1/accounts").status_code)
    assert seen == [500, 200, 500, 200]
    assert server.faults is NO_FAULTS


# -- REST and downloads ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "rpc"), [(401, 16), (403, 7), (404, 5), (412, 9), (429, 8), (500, 13), (501, 12), (502, 2), (503, 14), (504, 4)]
)
def test_refusals(server: DemoServer, api: httpx.Client, status: int, rpc: int) -> None:
    server.faults = Faults((refused(status, route="rest.accounts"),))
    answer = api.get("/v1/accounts")
    assert (answer.status_code, answer.json()["code"]) == (status, rpc)
    assert "retry-after" not in answer.headers
    assert api.get("/v1/accounts/acme-prod").status_code == 200


@pytest.mark.parametrize("after", [3, "Sun, 22 Nov 2026 12:00:00 GMT"])
def test_too_many_requests_says_when_to_come_back(server: DemoServer, api: httpx.Client, after: int | str) -> None:
    server.faults = Faults((refused(429, retry_after=after, times=1),))
    assert api.get("/v1/accounts").headers["retry-after"] == str(after)
    assert api.get("/v1/accounts").status_code == 200


@pytest.fixture(params=["rest", "download"])
def fetch(request: pytest.FixtureRequest, server: DemoServer, api: httpx.Client, store: httpx.Client) -> Callable[..., bytes]:
    """Get one body from either HTTP side."""
    export: Export = request.getfixturevalue("export")
    url = "/v1/accounts" if request.param == "rest" else export()[0]
    client = api if request.param == "rest" else store

    def get(timeout: float = 5, *, chunks: list[bytes] | None = None) -> bytes:
        with client.stream("GET", url, timeout=timeout) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                if chunks is not None:
                    chunks.append(chunk)
        return b"".join(chunks or ())

    return get


@pytest.mark.parametrize("moment", ["before", "inside"])
def test_hang(server: DemoServer, fetch: Callable[..., bytes], moment: str) -> None:
    server.faults = Faults((Fault(Hang(moment)),))  # type: ignore[arg-type]
    chunks: list[bytes] = []
    with pytest.raises(httpx.ReadTimeout):
        fetch(0.2 if moment == "before" else 1, chunks=chunks)
    assert bool(chunks) == (moment == "inside")


@pytest.mark.parametrize("moment", ["before", "inside"])
def test_reset(server: DemoServer, fetch: Callable[..., bytes], moment: str) -> None:
    server.faults = Faults((Fault(Reset(moment)),))  # type: ignore[arg-type]
    with pytest.raises(httpx.ReadError, match="reset"):
        fetch()


def test_truncated_body_with_its_length(server: DemoServer, fetch: Callable[..., bytes]) -> None:
    server.faults = Faults((Fault(Truncated()),))
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending"):
        fetch()


def test_truncated_body_without_a_length_looks_whole(server: DemoServer, fetch: Callable[..., bytes]) -> None:
    whole = fetch(chunks=[])
    server.faults = Faults((Fault(Truncated(length=False)),))
    assert fetch(chunks=[]) == whole[: len(whole) // 2]


def test_after_a_broken_connection_the_server_goes_on(server: DemoServer, fetch: Callable[..., bytes]) -> None:
    whole = fetch(chunks=[])
    for effect in (Reset(), Reset("inside"), Truncated(), Hang("inside")):
        server.faults = Faults((Fault(effect, times=1),))
        with pytest.raises(httpx.TransportError):
            fetch(0.2)
        assert fetch(chunks=[]) == whole


def test_page_instead_of_json(server: DemoServer, api: httpx.Client) -> None:
    server.faults = Faults((Fault(html()),))
    answer = api.get("/v1/accounts")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_empty_answer(server: DemoServer, fetch: Callable[..., bytes]) -> None:
    server.faults = Faults((Fault(Answer(200)),))
    assert fetch(chunks=[]) == b""


def test_wrong_types(server: DemoServer, api: httpx.Client) -> None:
    server.faults = Faults((Fault(WrongTypes()),))
    assert api.get("/v1/accounts").json() == {"accounts": "not a list", "nextPageToken": 12345, "totalSize": [2]}


def test_compressed_json(server: DemoServer, api: httpx.Client) -> None:
    server.faults = Faults((Fault(Gzip(encoded=True)),))
    answer = api.get("/v1/accounts")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["totalSize"] == 2


def test_redirect_to_another_host(server: DemoServer, api: httpx.Client) -> None:
    server.faults = Faults((Fault(redirect("http://127.0.0.2:1/elsewhere")),))
    answer = api.get("/v1/accounts")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.2:1/elsewhere")


def test_answer_of_any_kind(server: DemoServer, api: httpx.Client) -> None:
    made_up = Answer(
        200, b'{"accounts":[{"name":"accounts/new","state":"FROZEN","x":1}]}', (("Date", "Mon, 01 Jan 2024 00:00:00 GMT"),)
    )
    server.faults = Faults((Fault(made_up),))
    assert api.get("/v1/accounts").json()["accounts"][0]["state"] == "FROZEN"


# -- gRPC --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trailers", [False, True])
@pytest.mark.parametrize("status", ["UNAUTHENTICATED", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE"])
def test_statuses(server: DemoServer, export: Export, status: str, trailers: bool) -> None:
    server.faults = Faults((Fault(Status(status, "so it is", trailers), route="grpc.*", times=1),))
    with pytest.raises(grpc.RpcError) as error:
        export()
    assert error.value.code() is grpc.StatusCode[status]
    assert error.value.details() == "so it is"
    assert len(export()) == 1


def test_call_hangs(server: DemoServer, export: Export) -> None:
    server.faults = Faults((Fault(Hang(), times=1),))
    with pytest.raises(grpc.RpcError) as error:
        export(timeout=0.2)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(export()) == 1


def test_call_is_reset(server: DemoServer, export: Export) -> None:
    server.faults = Faults((Fault(Reset(), route="grpc.ExportBillingMetrics"),))
    with pytest.raises(grpc.RpcError) as error:
        export()
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(("http", "status"), [(401, "UNAUTHENTICATED"), (429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")])
def test_refusals_strike_calls_too(server: DemoServer, export: Export, http: int, status: str) -> None:
    server.faults = Faults((refused(http),))
    with pytest.raises(grpc.RpcError) as error:
        export()
    assert error.value.code() is grpc.StatusCode[status]


def test_a_call_is_told_when_to_come_again(server: DemoServer, export: Export) -> None:
    server.faults = Faults((refused(429, retry_after=7),))
    with pytest.raises(grpc.RpcError) as error:
        export()
    assert ("retry-after", "7") in [tuple(entry) for entry in error.value.trailing_metadata()]


# -- the life of a server ----------------------------------------------------------------------------------------------
def test_a_stopped_server_lets_hanging_clients_go_and_frees_its_ports() -> None:
    with DemoServer(rows=1_000, faults=Faults((Fault(Hang()),))) as server:
        url = server.base_url
        outcome: list[BaseException] = []

        def ask() -> None:
            try:
                httpx.get(f"{url}/v1/accounts", timeout=30, trust_env=False)
            except httpx.TransportError as error:
                outcome.append(error)

        client = threading.Thread(target=ask)
        client.start()
        while not server.requests:
            time.sleep(0.005)
    client.join(5)
    assert not client.is_alive()
    assert isinstance(outcome[0], httpx.RemoteProtocolError | httpx.ReadError)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_two_servers_at_once() -> None:
    with DemoServer(rows=1_000) as one, DemoServer(rows=1_000, api_key="fw_another", faults=Faults((refused(503),))) as two:
        for server, status in ((one, 200), (two, 503)):
            headers = {"Authorization": f"Bearer {server.api_key}"}
            assert httpx.get(f"{server.base_url}/v1/accounts", headers=headers, trust_env=False).status_code == status
        assert [len(server.requests) for server in (one, two)] == [1, 1]


def test_refusal_is_worded_as_the_control_plane_does() -> None:
    answer = refusal(403, "not you")
    assert json.loads(answer.body) == {"code": 7, "message": "not you", "details": []}
