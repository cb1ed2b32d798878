"""What the embedded server was asked: every request with its headers, for assertions in tests."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["rest", "download", "grpc"]


@dataclass(frozen=True, slots=True)
class Received:
    """One request. Header names (gRPC: metadata keys) are in lower case; of a repeated one the last is kept."""

    side: Side
    method: str
    """`GET`, `POST`; for gRPC the name of the call."""
    path: str
    """Path and query as sent; for gRPC the account's resource name."""
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


class Journal:
    """The requests in order of arrival, and what went wrong inside the server itself (nothing, unless it has a bug)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Received] = []
        self._errors: list[BaseException] = []

    def add(self, request: Received) -> None:
        """Keep a request."""
        with self._lock:
            self._requests.append(request)

    def add_error(self, error: BaseException) -> None:
        """Keep an error of the server's own making."""
        with self._lock:
            self._errors.append(error)

    @property
    def requests(self) -> tuple[Received, ...]:
        """All requests so far."""
        with self._lock:
            return tuple(self._requests)

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """All errors of the server's own making so far."""
        with self._lock:
            return tuple(self._errors)

    def clear(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._requests.clear()
