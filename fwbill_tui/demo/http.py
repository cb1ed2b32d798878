"""HTTP/1.1 over real sockets with the standard library, shared by REST and the signed downloads; carries out the faults."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, ClassVar, cast

from fwbill_tui.demo.faults import (
    Answer,
    Delay,
    Effect,
    Gzip,
    Hang,
    Injector,
    Reset,
    Truncated,
    WrongTypes,
    refusal,
)  # fmt: skip
from fwbill_tui.demo.journal import Journal, Received, Side
from fwbill_tui.demo.tenants import RefusedError, Tenants
from fwbill_tui.usage.query import TimeRange


@dataclass(slots=True)
class Shared:
    """What the parts of one server have in common."""

    tenants: Tenants
    injector: Injector
    journal: Journal = field(default_factory=Journal)
    stopping: threading.Event = field(default_factory=threading.Event)

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the server."""
        self.stopping.wait(seconds)

    def hang(self, listening: Callable[[], bool]) -> None:
        """Wait until nobody listens any more or the server stops."""
        while listening() and not self.stopping.wait(0.05):
            pass


@dataclass(slots=True)
class Reply:
    """An answer: bytes, or a real file from its start."""

    body: bytes | IO[bytes]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """The length of the body in bytes."""
        return len(self.body) if isinstance(self.body, bytes) else os.fstat(self.body.fileno()).st_size


@dataclass(frozen=True, slots=True)
class Route:
    """A request that was understood: its name for the faults, the range it asks for, and how to answer it."""

    name: str
    answer: Callable[[tuple[Effect, ...]], Reply]
    window: TimeRange | None = None


class Server(ThreadingHTTPServer):
    """A threaded server on a free port of 127.0.0.1 that can drop its open connections, so that it stops at once."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler: type[Handler], shared: Shared) -> None:
        self.shared = shared
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name=handler.__name__, daemon=True)

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Accept connections, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting, drop what is open, free the port."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then serve it in a thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        """Close a connection for good."""
        with self._lock:
            self._open.discard(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error, and nothing may be printed into a running screen."""


class Handler(BaseHTTPRequestHandler):
    """One connection. A subclass says which side it is and finds the route."""

    protocol_version = "HTTP/1.1"
    server_version = "fwbill-demo"
    sys_version = ""
    disable_nagle_algorithm = True
    side: ClassVar[Side]

    @property
    def shared(self) -> Shared:
        """What the parts of the server have in common."""
        return cast(Server, self.server).shared

    def find(self, body: bytes) -> Route:
        """The route of the current request; never raises for a bad one, its answer does."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is logged; the journal has it all."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.shared.journal.add(Received(self.side, self.command, self.path, headers, body))
        try:
            self._answer(self.find(body))
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # a bug in the demo must reach the client as an answer, and the tests as an error
            self.shared.journal.add_error(error)
            self._send(Reply(*_refused(RefusedError(500, "INTERNAL", f"the demo server failed: {error!r}"))), None)

    def _answer(self, route: Route) -> None:
        effects = self.shared.injector.strike(route.name, route.window)
        for effect in effects:
            if isinstance(effect, Delay):
                self.shared.pause(effect.seconds)
        other = next((effect for effect in effects if not isinstance(effect, Delay)), None)
        match other:
            case Hang("before"):
                self.shared.hang(self._listening)
                self.close_connection = True
                return
            case Reset("before"):
                self._reset()
                return
            case Answer(status, body, headers):
                reply = Reply(body, status, dict(headers))
            case _:
                try:
                    reply = route.answer(effects)
                except RefusedError as refused:
                    reply = Reply(*_refused(refused))
        with _closed(reply.body):
            changed = _changed(reply, other)
            with _closed(changed.body):
                self._send(changed, other)

    def _send(self, reply: Reply, effect: Effect | None) -> None:
        length = reply.length
        cut = isinstance(effect, Truncated) or (isinstance(effect, Hang | Reset) and effect.moment == "inside")
        self.send_response_only(reply.status)
        for name, value in ({"Server": self.server_version, "Date": self.date_time_string()} | reply.headers).items():
            self.send_header(name, value)
        if effect == Truncated(length=False):
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self._send_body(reply.body, length // 2 if cut else length)
        if cut:
            self.close_connection = True
        if isinstance(effect, Hang):
            self.shared.hang(self._listening)
        elif isinstance(effect, Reset):
            time.sleep(0.02)  # what was sent arrives first; a reset throws away what is still on its way
            self._reset()

    def _send_body(self, body: bytes | IO[bytes], count: int) -> None:
        if isinstance(body, bytes):
            self.wfile.write(body[:count])
        elif count:
            # The kernel copies from file to socket: no byte of a large export passes through Python.
            self.connection.sendfile(body, 0, count)

    def _reset(self) -> None:
        """Close so that the client sees a reset, not an end: linger for no time at all."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        # A plain close would wait for the file objects of the connection; this drops the descriptor itself.
        os.close(self.connection.detach())

    def _listening(self) -> bool:
        """Whether the client still holds the connection open."""
        try:
            self.connection.settimeout(0)
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                self.connection.settimeout(None)


def _closed(body: bytes | IO[bytes]) -> contextlib.AbstractContextManager[object]:
    """Closes a file in the end."""
    return contextlib.nullcontext() if isinstance(body, bytes) else contextlib.closing(body)


def json_reply(content: object) -> Reply:
    """An answer in JSON."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(body, headers={"Content-Type": "application/json"})


def _refused(refused: RefusedError) -> tuple[bytes, int, dict[str, str]]:
    answer = refusal(refused.http, refused.message)
    return answer.body, answer.status, dict(answer.headers)


def _changed(reply: Reply, effect: Effect | None) -> Reply:
    """The reply with its body compressed or its JSON spoiled, where that is the effect."""
    match effect:
        case Gzip(encoded):
            headers = reply.headers | ({"Content-Encoding": "gzip"} if encoded else {"Content-Type": "application/gzip"})
            return Reply(_compressed(reply.body), reply.status, headers)
        case WrongTypes():
            body = reply.body if isinstance(reply.body, bytes) else b"{}"
            content = json.loads(body)
            spoiled = {name: _spoiled(value) for name, value in content.items()}
            return json_reply(spoiled)
        case _:
            return reply


def _compressed(body: bytes | IO[bytes]) -> bytes | IO[bytes]:
    if isinstance(body, bytes):
        return gzip.compress(body)
    body.seek(0)
    packed = tempfile.TemporaryFile()  # noqa: SIM115  (sent and closed by the caller)
    try:
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
            while chunk := body.read(1 << 20):
                file.write(chunk)
        packed.flush()
    except BaseException:
        packed.close()
        raise
    return packed


def _spoiled(value: object) -> object:
    match value:
        case list():
            return "not a list"
        case str():
            return 12345
        case bool() | int() | float():
            return [value]
        case _:
            return []
