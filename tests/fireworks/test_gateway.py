"""The gateway client against real gRPC servers on loopback."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.gateway import Gateway
from fwbill_tui.fireworks.proto import gateway_pb2 as messages
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.usage.query import TimeRange

KEY = "fw_canaryCANARYcanary"
CREDENTIAL = Credential.pasted(KEY)
RANGE = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, 3, 4, 5, 600_007, tzinfo=UTC))
Script = Callable[[Any, grpc.ServicerContext], Any]


class Server:
    """A gateway that answers as a script says, and keeps what it was asked."""

    def __init__(self, script: Script) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.pool = ThreadPoolExecutor(4)
        self.server = grpc.server(self.pool, options=(("grpc.so_reuseport", 0),))

        def export(request: Any, context: grpc.ServicerContext) -> Any:
            self.requests.append(request)
            self.metadata.append(dict(context.invocation_metadata()))
            return script(request, context)

        handler = grpc.unary_unary_rpc_method_handler(
            export,
            request_deserializer=messages.ExportBillingMetricsRequest.FromString,
            response_serializer=lambda reply: reply if isinstance(reply, bytes) else reply.SerializeToString(),
        )
        handlers = {"ExportBillingMetrics": handler}
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("gateway.Gateway", handlers),))
        self.addr = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def stop(self) -> None:
        self.server.stop(0).wait()
        self.pool.shutdown()


@pytest.fixture
def gateway() -> Iterator[Callable[[Script], Server]]:
    started: list[Server] = []

    def start(script: Script) -> Server:
        started.append(Server(script))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def links(*urls: str) -> Any:
    return messages.ExportBillingMetricsResponse(signed_urls=urls)


def export(server: Server, policy: RetryPolicy, **options: Any) -> list[str]:
    with Gateway(Endpoints(gateway_addr=server.addr), CREDENTIAL, policy=policy, **options) as client:
        return client.export_metrics("acme", RANGE)


def test_the_call_is_the_contracts(gateway: Any, quick: RetryPolicy) -> None:
    server = gateway(lambda *_: links("https://a", "https://b"))
    assert export(server, quick) == ["https://a", "https://b"]
    (request,) = server.requests
    assert request.name == "accounts/acme"
    assert request.start_time.ToDatetime(UTC) == RANGE.start
    assert request.end_time.ToDatetime(UTC) == RANGE.end
    assert server.metadata[0]["x-api-key"] == KEY
    assert "authorization" not in server.metadata[0]
    assert server.metadata[0]["user-agent"].startswith("fwbill/")


@pytest.mark.parametrize("trailers", [False, True])
@pytest.mark.parametrize(
    ("code", "kind", "calls"),
    [
        ("CANCELLED", errors.ServiceError, 5),
        ("UNKNOWN", errors.ServiceError, 5),
        ("INVALID_ARGUMENT", errors.RequestRefused, 1),
        ("DEADLINE_EXCEEDED", errors.TimedOut, 2),
        ("NOT_FOUND", errors.NoSuchAccount, 1),
        ("ALREADY_EXISTS", errors.RequestRefused, 1),
        ("PERMISSION_DENIED", errors.NoPermission, 1),
        ("RESOURCE_EXHAUSTED", errors.TooManyRequests, 10),
        ("FAILED_PRECONDITION", errors.RequestRefused, 1),
        ("ABORTED", errors.ServiceError, 5),
        ("OUT_OF_RANGE", errors.RequestRefused, 1),
        ("UNIMPLEMENTED", errors.Unimplemented, 1),
        ("INTERNAL", errors.ServiceError, 5),
        ("UNAVAILABLE", errors.NetworkError, 5),
        ("DATA_LOSS", errors.ServiceError, 5),
        ("UNAUTHENTICATED", errors.SignInRefused, 1),
    ],
)
def test_every_status_is_its_error(
    gateway: Any, quick: RetryPolicy, code: str, kind: type[Exception], calls: int, trailers: bool
) -> None:
    def script(_: Any, context: grpc.ServicerContext) -> None:
        if trailers:
            context.send_initial_metadata(())
        context.abort(getattr(grpc.StatusCode, code), f"no {KEY}\nhere")

    server = gateway(script)
    with pytest.raises(kind) as caught:
        export(server, quick)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)
    assert str(caught.value).isprintable()
    assert f"ExportBillingMetrics at {server.addr}" in str(caught.value)
    assert len(server.requests) == calls


def test_a_passing_trouble_is_waited_out(gateway: Any, quick: RetryPolicy) -> None:
    waits: list[float] = []

    def script(_: Any, context: grpc.ServicerContext) -> Any:
        if len(server.requests) == 1:
            context.set_trailing_metadata((("retry-after", "0"),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down")
        if len(server.requests) == 2:
            context.abort(grpc.StatusCode.UNAVAILABLE, "try again")
        return links("https://a")

    server = gateway(script)
    with Gateway(Endpoints(gateway_addr=server.addr), CREDENTIAL, policy=quick) as client:
        assert client.export_metrics("acme", RANGE, on_wait=lambda seconds, _: waits.append(seconds)) == ["https://a"]
    assert len(waits) == 2


def test_the_service_can_ask_for_more_patience_than_there_is(gateway: Any, quick: RetryPolicy) -> None:
    def script(_: Any, context: grpc.ServicerContext) -> Any:
        context.set_trailing_metadata((("retry-after", "7200"),))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down")

    server = gateway(script)
    with pytest.raises(errors.TooManyRequests) as caught:
        export(server, quick)
    assert caught.value.retry_after == 7200
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [links(), links(""), b"", b"\x12\x01x"])
def test_a_reply_without_a_link_is_an_error(gateway: Any, quick: RetryPolicy, reply: Any) -> None:
    with pytest.raises(errors.UnexpectedAnswer, match="no download link"):
        export(gateway(lambda *_: reply), quick)


def test_a_reply_that_is_no_message_is_an_error(gateway: Any, quick: RetryPolicy) -> None:
    with pytest.raises(errors.FireworksError):
        export(gateway(lambda *_: b"<html>not protobuf</html>"), quick)


def test_silence_ends_at_the_deadline(gateway: Any, quick: RetryPolicy) -> None:
    done = threading.Event()
    server = gateway(lambda *_: done.wait(10) and links())
    with pytest.raises(errors.TimedOut):
        export(server, quick, deadline=0.1)
    done.set()
    assert len(server.requests) == 2


def test_a_cancel_ends_a_call_under_way(gateway: Any, quick: RetryPolicy) -> None:
    cancelled, arrived, done = threading.Event(), threading.Event(), threading.Event()

    def script(*_: Any) -> Any:
        arrived.set()
        done.wait(10)
        return links("https://a")

    server = gateway(script)
    threading.Thread(target=lambda: arrived.wait(10) and cancelled.set()).start()
    with pytest.raises(errors.Cancelled):
        export(server, quick, cancelled=cancelled)
    done.set()


def test_nobody_there_is_a_network_error(quick: RetryPolicy) -> None:
    client = Gateway(Endpoints(gateway_addr="127.0.0.1:9"), CREDENTIAL, policy=quick)
    with client, pytest.raises(errors.NetworkError, match="not reached"):
        client.export_metrics("acme", RANGE)


def test_a_server_that_speaks_http_1_is_an_error(serve: Any, answer: Any, quick: RetryPolicy) -> None:
    server = serve(lambda _: answer(200, "<html>"))
    client = Gateway(Endpoints(gateway_addr=f"127.0.0.1:{server.port}"), CREDENTIAL, policy=quick, deadline=2)
    with client, pytest.raises(errors.FireworksError):
        client.export_metrics("acme", RANGE)


FAR_AWAY = """
from datetime import UTC, datetime
from fwbill_tui.fireworks import errors, gateway
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.usage.query import TimeRange
class Remote(Endpoints):
    gateway_local = {local}
policy = RetryPolicy(first=0.01, longest=0.01)
client = gateway.Gateway(Remote(gateway_addr="127.0.0.1:{port}"), Credential.pasted("{key}"), policy=policy, deadline=5)
with client:
    try:
        client.export_metrics("acme", TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)))
    except errors.FireworksError as error:
        print(type(error).__name__)
"""


@pytest.mark.parametrize(("local", "kind"), [(True, "NetworkError"), (False, "UntrustedConnection")])
def test_a_failed_connection_writes_nothing_to_the_terminal(serve: Any, answer: Any, local: bool, kind: str) -> None:
    port = 9 if local else serve(lambda _: answer(400)).port
    script = FAR_AWAY.format(local=local, port=port, key=KEY)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == (kind + "\n", "")


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    script = (
        "import sys, fwbill_tui.fireworks.credentials, fwbill_tui.fireworks.endpoints;"
        "print(sorted({'grpc', 'google', 'httpx', 'tenacity', 'polars'} & set(sys.modules)));"
        "import fwbill_tui.sources.account, fwbill_tui.fireworks.rest;"
        "print(sorted({'grpc', 'google.protobuf', 'textual'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]\n[]\n"


def test_a_line_on_which_connecting_takes_long_is_waited_for(gateway: Any, quick: RetryPolicy) -> None:
    server = gateway(lambda *_: links("https://a"))
    host, _, port = server.addr.partition(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def far_away() -> None:
            """Carries one connection to the server, with an answer's first bytes a third of a second late."""
            near, _ = listener.accept()
            far = socket.create_connection((host, int(port)))
            time.sleep(0.35)
            upward = threading.Thread(target=carry, args=(near, far))
            upward.start()
            carry(far, near)
            upward.join()
            for end in (near, far):
                end.close()

        def carry(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(1 << 16):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)

        line = threading.Thread(target=far_away)
        line.start()
        waits: list[float] = []
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with Gateway(Endpoints(gateway_addr=address), CREDENTIAL, policy=quick) as client:
            found = client.export_metrics("acme", RANGE, on_wait=lambda seconds, _: waits.append(seconds))
        line.join()
    assert found == ["https://a"]
    assert waits == []
