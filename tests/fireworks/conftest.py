"""A loopback HTTP server that sends exactly the bytes a test tells it to, and a stand-in for firectl."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fwbill_tui.fireworks.retry import RetryPolicy

sys.path.insert(0, str(Path(__file__).parent))
from firectl_stand_in import firectl as firectl


@dataclass(frozen=True)
class Request:
    """One request as it came in; header names in lower case."""

    target: str
    headers: dict[str, str]
    connection: int


@dataclass
class LoopbackServer:
    """`script` gives the raw answer to a request; None falls silent, b"" resets the connection.

    The connection is kept when the answer has a Content-Length and does not say "Connection: close".
    """

    script: Callable[[Request], bytes | None]
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection, len(self.connections)), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as incoming:
            if incoming.peek(1)[:1] == b"\x16":  # a TLS handshake: answer as a server without TLS does
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            while line := incoming.readline():
                parts = line.split()
                headers = {}
                while (field_line := incoming.readline().strip()) != b"":
                    name, _, value = field_line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                request = Request(parts[1].decode() if len(parts) > 1 else "", headers, number)
                self.requests.append(request)
                answer = self.script(request)
                if answer is None:
                    self.stopping.wait()
                    return
                if not answer:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                connection.sendall(answer)
                head = answer.partition(b"\r\n\r\n")[0].lower()
                if b"content-length" not in head or b"connection: close" in head:
                    return

    def close(self) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Request], bytes | None]], LoopbackServer]]:
    """Start servers that end with the test."""
    with contextlib.ExitStack() as stack:

        def start(script: Callable[[Request], bytes | None]) -> LoopbackServer:
            server = LoopbackServer(script)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def quick() -> RetryPolicy:
    """As many tries as ever, with pauses of milliseconds."""
    return RetryPolicy(first=0.002, first_when_limited=0.002, longest=0.01)


@pytest.fixture
def answer() -> Callable[..., bytes]:
    """Puts an HTTP answer together."""

    def build(status: int = 200, body: bytes | str = b"", *headers: str, length: int | None = -1) -> bytes:
        content = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} X", *headers]
        if length is not None:
            lines.append(f"Content-Length: {len(content) if length < 0 else length}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content

    return build
