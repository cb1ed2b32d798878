"""The gRPC side of the embedded server: `gateway.Gateway` with the call that fwbill makes, and two more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from fwbill_tui.demo.downloads import Signer
from fwbill_tui.demo.faults import RPC_CODES, Answer, Delay, Effect, ExpiredLinks, Hang, Links, Reset, Status
from fwbill_tui.demo.http import Shared
from fwbill_tui.demo.journal import Received
from fwbill_tui.demo.tenants import Key, RefusedError, checked_window
from fwbill_tui.fireworks.proto import gateway_pb2 as pb
from fwbill_tui.usage.query import QueryError, TimeRange

_Answer = Callable[[Any, Key, tuple[Effect, ...]], Any]


class _DaemonThreads(Executor):
    """A thread for each call. Those of a pool would keep a program that just ends waiting for a hanging call."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a task in a thread of its own."""
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(task(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, name="demo-gateway", daemon=True).start()
        return future


class GatewayServer:
    """A gRPC server on a free port of 127.0.0.1, without TLS."""

    def __init__(self, shared: Shared, signer: Signer, downloads_url: str) -> None:
        self._shared = shared
        self._signer = signer
        self._downloads_url = downloads_url
        self._server = grpc.server(_DaemonThreads(), options=(("grpc.so_reuseport", 0),))
        calls: dict[str, tuple[Any, Any, _Answer]] = {
            "ExportBillingMetrics": (pb.ExportBillingMetricsRequest, pb.ExportBillingMetricsResponse, self._export),
            "ListAccounts": (pb.ListAccountsRequest, pb.ListAccountsResponse, self._accounts),
            "GetBalance": (pb.GetBalanceRequest, pb.Balance, self._balance),
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._method(name, answer),
                request_deserializer=request.FromString,
                response_serializer=response.SerializeToString,
            )
            for name, (request, response, answer) in calls.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("gateway.Gateway", handlers),))
        self.addr = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def start(self) -> None:
        """Accept calls, in threads."""
        self._server.start()

    def stop(self) -> None:
        """Break off what runs and free the port."""
        self._server.stop(grace=0).wait()

    def _method(self, name: str, answer: _Answer) -> Callable[[Any, grpc.ServicerContext], Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
            resource = getattr(request, "name", "")
            self._shared.journal.add(Received("grpc", name, resource, metadata, request.SerializeToString()))
            effects = self._shared.injector.strike(f"grpc.{name}", _requested(request))
            self._suffer(effects, context)
            try:
                return answer(request, self._shared.tenants.key(metadata.get("x-api-key")), effects)
            except RefusedError as refused:
                context.abort(grpc.StatusCode[refused.grpc], refused.message)
            except Exception as error:
                self._shared.journal.add_error(error)
                raise

        return call

    def _suffer(self, effects: tuple[Effect, ...], context: grpc.ServicerContext) -> None:
        for effect in effects:
            match effect:
                case Delay(seconds):
                    self._shared.pause(seconds)
                case Hang():
                    self._shared.hang(context.is_active)
                    context.abort(grpc.StatusCode.UNAVAILABLE, "the demo server stops")
                case Reset():
                    context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset by peer")
                case Answer(status, _, headers) if status >= 400:
                    context.set_trailing_metadata([(name.lower(), text) for name, text in headers if name == "Retry-After"])
                    mapped = (code for code in grpc.StatusCode if code.value[0] == RPC_CODES.get(status))
                    context.abort(next(mapped, grpc.StatusCode.UNKNOWN), f"made up by the demo server ({status})")
                case Status(code, message, trailers):
                    if trailers:
                        context.send_initial_metadata(())
                    context.abort(grpc.StatusCode[code], message)
                case _:
                    pass

    def _export(self, request: Any, key: Key, effects: tuple[Effect, ...]) -> Any:
        account = self._shared.tenants.account(key, request.name.removeprefix("accounts/"))
        end = request.end_time.ToDatetime(UTC) if request.HasField("end_time") else datetime.now(UTC)
        start = request.start_time.ToDatetime(UTC) if request.HasField("start_time") else end - timedelta(days=1)
        window = checked_window(start, end)
        count = next((effect.count for effect in effects if isinstance(effect, Links)), 1)
        expired = ExpiredLinks() in effects
        return pb.ExportBillingMetricsResponse(
            signed_urls=[
                self._downloads_url + self._signer.path(account.id, part, expired=expired) for part in _cut(window, count)
            ]
        )

    def _accounts(self, _request: Any, key: Key, _effects: tuple[Effect, ...]) -> Any:
        accounts = self._shared.tenants.visible(key)
        return pb.ListAccountsResponse(
            accounts=[
                pb.Account(name=f"accounts/{account.id}", display_name=account.display_name, email=account.email)
                for account in accounts
            ],
            total_size=len(accounts),
        )

    def _balance(self, request: Any, key: Key, _effects: tuple[Effect, ...]) -> Any:
        self._shared.tenants.account(key, request.name.removeprefix("accounts/"))
        return pb.Balance(money=pb.Money(currency_code="USD", units=1_234, nanos=560_000_000))


def _requested(request: Any) -> TimeRange | None:
    """The range a call asks for, for the faults that are limited to one."""
    if not isinstance(request, pb.ExportBillingMetricsRequest):
        return None
    try:
        return TimeRange(request.start_time.ToDatetime(UTC), request.end_time.ToDatetime(UTC))
    except QueryError:
        return None


def _cut(window: TimeRange, count: int) -> list[TimeRange]:
    """A window in as many parts with shared edges, on full seconds."""
    assert window.start is not None
    assert window.end is not None
    step = (window.end - window.start) / count if count else timedelta()
    edges = [window.start + timedelta(seconds=round((step * n).total_seconds())) for n in range(count)]
    return [TimeRange(start, end) for start, end in zip(edges, [*edges[1:], window.end], strict=False)]
