"""One HTTP client for REST and downloads: time limits, no redirects, our errors, and an end at once on cancel."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
from socksio.exceptions import SOCKSError

from fwbill_tui import __version__
from fwbill_tui.fireworks.errors import (
    Cancelled,
    NetworkError,
    TimedOut,
    UnexpectedAnswer,
    UntrustedConnection,
    make,
    one_line,
    redact,
    untrusted,
)
from fwbill_tui.fireworks.http_client import new_client

Parameters = Mapping[str, str | Sequence[str]]
"""What a query string says; a parameter with several values is repeated."""

TIMEOUT = httpx.Timeout(connect=10, read=60, write=30, pool=30)
USER_AGENT = f"fwbill/{__version__}"
_CANCEL_POLL = 0.05
_SILENCE = 10
"""Seconds for which a proxy may say nothing while it connects."""
_ERRNO = re.compile(r"\[Errno -?\d+\] ")  # a number for programmers, before the words for everybody
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")


class _Redacting(logging.Filter):
    """Takes signatures and keys out of what httpx and httpcore log: they write whole addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_Redacting())
logging.getLogger("httpcore.socks").setLevel(logging.INFO)  # below that it writes a proxy's password


class HttpSession:
    """Requests over kept connections, from any thread. Redirects are never followed.

    `direct` uses no proxy: what goes to this machine in the clear must not pass through another. When `cancelled` is set,
    requests under way end at once with `Cancelled`: their sockets are shut down, which wakes a read that is blocked.
    """

    def __init__(self, *, direct: bool, cancelled: threading.Event | None = None, timeout: httpx.Timeout = TIMEOUT) -> None:
        """Raises BadSetting and UntrustedConnection for an environment whose proxies or certificates cannot be used."""
        self._client = new_client(direct=direct, timeout=timeout, user_agent=USER_AGENT)
        self._cancelled = cancelled or threading.Event()
        self._closed = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        if cancelled is not None:
            self._watcher = threading.Thread(target=self._watch, name="fwbill-http-cancel", daemon=True)
            self._watcher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._closed.set()
        if self._watcher:
            self._watcher.join()
        self._client.close()
        for connected in self._sockets:
            connected.close()  # httpcore leaves it open where a SOCKS proxy refuses (1.0)

    @contextlib.contextmanager
    def get(
        self, url: str, *, where: str, headers: Mapping[str, str] | None = None, parameters: Parameters | None = None
    ) -> Iterator[httpx.Response]:
        """A response whose body is still to be read (also from within). `where` names the call in messages.

        Raises NetworkError (and TimedOut, UntrustedConnection), UnexpectedAnswer and Cancelled, never httpx's own.
        """
        if self._cancelled.is_set():
            raise Cancelled
        try:
            with self._client.stream(
                "GET", url, headers=headers, params=parameters, extensions={"trace": self._trace}
            ) as response:
                yield response
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, SOCKSError) as error:
            if self._cancelled.is_set():
                raise Cancelled from None
            raise _translated(error, where) from None  # httpx's text and chain may hold the whole link

    def _trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Remember each connection's socket: httpcore tells of it when it is connected, and again when TLS wraps it."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):  # of the connection itself, or by way of a proxy
            connected = details["return_value"].get_extra_info("socket")
            _limit_silence(connected)
            with self._lock:
                self._sockets = {known for known in self._sockets if known.fileno() != -1} | {connected}
            if self._cancelled.is_set():
                _shut_down(connected)

    def _watch(self) -> None:
        while not self._closed.is_set():
            if self._cancelled.wait(_CANCEL_POLL):
                with self._lock:
                    for connected in self._sockets:
                        _shut_down(connected)
                return


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds a `Retry-After` header asks to wait, in either of its two forms; None without a readable one.

    A date is counted from the answer's own `Date`, so that a wrong clock on this machine does no harm.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    now = _date(headers.get("Date", "")) or datetime.now(UTC)
    until = _date(text)
    return max(0.0, (until - now).total_seconds()) if until else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def _limit_silence(connected: socket.socket) -> None:
    """A time limit for reads that have none of their own: httpcore (1.0) sets none while it speaks to a SOCKS proxy."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _SILENCE, 0))


def _shut_down(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may just have been closed
        socket.socket.shutdown(connected, socket.SHUT_RDWR)  # not SSLSocket's own, which would drop TLS under the reader


def _translated(error: Exception, where: str) -> NetworkError | UnexpectedAnswer:
    words: Callable[[], str] = lambda: one_line(_ERRNO.sub("", str(error))) or type(error).__name__  # noqa: E731
    made: Exception
    match error:
        case httpx.ConnectTimeout():
            made = make(TimedOut, where, "could not be reached in time")
        case httpx.TimeoutException():
            made = make(TimedOut, where)
        case httpx.ReadError() if _said_nothing(error):
            made = make(TimedOut, where)
        case httpx.TransportError() if _tls_failure(error):
            made = make(UntrustedConnection, where, f"no trusted connection, {untrusted(str(error))}")
        case SOCKSError():
            made = make(NetworkError, where, "not reached, what is set as a SOCKS proxy does not answer as one")
        case httpx.ConnectError():
            made = make(NetworkError, where, f"not reached, {words()}")
        case httpx.UnsupportedProtocol() | httpx.InvalidURL():
            made = make(UnexpectedAnswer, where, "not a web address")
        case httpx.RemoteProtocolError() if "without sending complete" in str(error):
            made = make(NetworkError, where, "the connection broke, the answer came only in part")
        case httpx.TransportError():
            made = make(NetworkError, where, f"the connection broke, {words()}")
        case _:
            made = make(UnexpectedAnswer, where, f"cannot be read, {type(error).__name__}")
    assert isinstance(made, NetworkError | UnexpectedAnswer)
    return made


def _said_nothing(error: BaseException) -> bool:
    """Whether the limit on silence ended a read."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, BlockingIOError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _tls_failure(error: BaseException) -> bool:
    """Whether certificates or TLS itself failed; a connection lost while TLS was being set up did not."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
        cause = cause.__cause__ or cause.__context__
    return False
