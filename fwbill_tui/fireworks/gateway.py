"""The gRPC gateway: the export call that firectl itself makes. grpcio and protobuf are imported when it is entered."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import Cancelled, UnexpectedAnswer, from_grpc, make
from fwbill_tui.fireworks.http import USER_AGENT
from fwbill_tui.fireworks.retry import OnWait, RetryPolicy, retrying
from fwbill_tui.usage.query import TimeRange

DEADLINE = 180.0
_POLL = 0.05
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUIET = {"GRPC_VERBOSITY": "NONE", "GLOG_minloglevel": "3", "GRPC_ENABLE_FORK_SUPPORT": "0"}
_OPTIONS = (
    ("grpc.primary_user_agent", USER_AGENT),
    ("grpc.enable_retries", 0),  # RetryPolicy alone decides, for every kind of call alike
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.min_reconnect_backoff_ms", 10_000),  # in truth the time a connection may take to come about
    ("grpc.max_reconnect_backoff_ms", 5000),
)


class Gateway:
    """Calls of one credential over one connection, from any thread; a context manager.

    Every call raises FireworksError, and Cancelled at once when `cancelled` is set. `deadline`: seconds per try.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        credential: Credential,
        *,
        cancelled: threading.Event | None = None,
        policy: RetryPolicy | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        self._endpoints = endpoints
        self._key = credential.require_key()
        self._cancelled = cancelled or threading.Event()
        self._policy = policy or RetryPolicy()
        self._deadline = deadline
        self._channel: Any = None

    def __enter__(self) -> Self:
        grpc = import_grpc()
        if self._endpoints.gateway_local:
            options = (*_OPTIONS, ("grpc.enable_http_proxy", 0))  # a key in the clear must not leave this machine
            self._channel = grpc.insecure_channel(self._endpoints.gateway_addr, options=options)
        else:
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.secure_channel(self._endpoints.gateway_addr, credentials, options=_OPTIONS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._channel.close()

    def export_metrics(self, account_id: str, wanted: TimeRange, *, on_wait: OnWait | None = None) -> list[str]:
        """Signed URLs of the CSV files with the usage events of an account; `wanted` is at most 31 days, with both edges.

        Raises UnexpectedAnswer for a reply without any URL: that is no proof of no usage.
        """
        from fwbill_tui.fireworks.proto import gateway_pb2 as messages

        request = messages.ExportBillingMetricsRequest(name=f"accounts/{account_id}")
        for field, edge in ((request.start_time, wanted.start), (request.end_time, wanted.end)):
            if edge is None:
                raise ValueError("an export call takes a range with both edges")
            seconds, rest = divmod(edge - _EPOCH, timedelta(seconds=1))
            field.seconds, field.nanos = seconds, rest.microseconds * 1000
        reply = self._call("ExportBillingMetrics", request, messages.ExportBillingMetricsResponse.FromString, on_wait)
        urls = [url for url in reply.signed_urls if url]
        if not urls:
            where = self._where("ExportBillingMetrics")
            raise make(UnexpectedAnswer, where, "the answer has no download link; this does not mean no usage")
        return urls

    def _call(self, method: str, request: Any, parse: Callable[[bytes], Any], on_wait: OnWait | None) -> Any:
        rpc = self._channel.unary_unary(
            f"/gateway.Gateway/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=parse,
        )
        return retrying(
            lambda: self._attempt(rpc, method, request), policy=self._policy, cancelled=self._cancelled, on_wait=on_wait
        )

    def _attempt(self, rpc: Any, method: str, request: Any) -> Any:
        grpc = import_grpc()
        call = rpc.future(request, timeout=self._deadline, metadata=(("x-api-key", self._key.reveal()),))
        try:
            while True:
                try:
                    reply = call.result(timeout=_POLL)
                    break
                except grpc.FutureTimeoutError:
                    if self._cancelled.is_set():
                        raise Cancelled from None
        except grpc.RpcError as error:
            if self._cancelled.is_set():
                raise Cancelled from None
            wait = _retry_after(error.trailing_metadata())
            code = error.code().name
            said = (error.details() or "").replace(self._key.reveal(), "[redacted]")
            raise from_grpc(code, said, where=self._where(method), retry_after=wait) from None
        finally:
            call.cancel()
        if reply is None:  # the library's answer to bytes that are no message
            raise make(UnexpectedAnswer, self._where(method), "the answer cannot be read; this does not mean no usage")
        return reply

    def _where(self, method: str) -> str:
        return f"{method} at {self._endpoints.gateway_addr}"


def import_grpc() -> Any:
    """grpcio, told before its first import to write nothing to the terminal. The environment's own settings count."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import grpc

    return grpc


def _retry_after(metadata: Any) -> float | None:
    """The seconds that `retry-after` in the trailers asks to wait, if it does."""
    for name, value in metadata or ():
        if name == "retry-after" and isinstance(value, str) and value.isascii() and value.isdigit():
            return float(value[:9])
    return None
