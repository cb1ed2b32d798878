"""A server that speaks just enough HTTP/2 to answer a gRPC call in ways that no gRPC library would."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1

Headers = Sequence[tuple[str, str]]


class RawHttp2:
    """Answers every request with `headers`, then `data` if it is not None, then `trailers` if there are any."""

    def __init__(self, headers: Headers, data: bytes | None = None, trailers: Headers = ()) -> None:
        self._frames = [(_HEADERS, _encoded(headers))]
        self._frames += [(_DATA, data)] if data is not None else []
        self._frames += [(_HEADERS, _encoded(trailers))] if trailers else []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.addr = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error), connection.makefile("rb") as incoming:
            assert incoming.read(len(_PREFACE)) == _PREFACE
            connection.sendall(_frame(_SETTINGS, 0, 0, b""))
            while head := incoming.read(9):
                length, kind, flags, stream = int.from_bytes(head[:3]), head[3], head[4], int.from_bytes(head[5:])
                body = incoming.read(length)
                if kind == _SETTINGS and not flags & _ACK:
                    connection.sendall(_frame(_SETTINGS, _ACK, 0, b""))
                elif kind == _PING and not flags & _ACK:
                    connection.sendall(_frame(_PING, _ACK, 0, body))
                elif kind in (_DATA, _HEADERS) and flags & _END_STREAM:
                    for number, (answer, content) in enumerate(self._frames):
                        last = _END_STREAM if number == len(self._frames) - 1 else 0
                        connection.sendall(_frame(answer, last | (_END_HEADERS if answer == _HEADERS else 0), stream, content))


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + content


def _encoded(headers: Headers) -> bytes:
    """HPACK at its plainest: every field a literal that is not indexed, with a new name."""
    return b"".join(
        b"\x00" + b"".join(bytes((len(text),)) + text for text in (name.encode(), value.encode())) for name, value in headers
    )
