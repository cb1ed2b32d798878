"""Signed links: the files behind them, fetched whole or not at all.

The hosts behind signed links are not Fireworks' own, so nothing of the sign-in goes there: they are asked through an
`HttpSession` to which no key was ever given. A link's query string is its signature and is in no message.
"""

from __future__ import annotations

import gzip
import io
import os
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import httpx

from fwbill_tui.fireworks.endpoints import is_loopback
from fwbill_tui.fireworks.errors import (
    NOT_GIVEN,
    Cancelled,
    CutShort,
    FireworksError,
    LinkExpired,
    NetworkError,
    ServiceError,
    StorageError,
    TimedOut,
    UnexpectedAnswer,
    from_http,
    make,
    one_line,
)
from fwbill_tui.fireworks.http import HttpSession, retry_after
from fwbill_tui.fireworks.retry import OnWait, RetryPolicy, retrying

OnBytes = Callable[[int, int | None], None]
"""Told how many bytes have come, and of how many (None while that is not known)."""

_EXPIRED = {400, 401, 403, 404, 410}  # how storage services answer a link that is no longer good
_RENEWALS = 2
_GZIP = b"\x1f\x8b"
_FREE_INFLATION = 256 << 20
_MOST_INFLATION = 250  # exports of text shrink some 10 to 40 times; a thousand times is a file made to fill a memory


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches signed links into files that are private to the user."""

    session: HttpSession
    cancelled: threading.Event
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    def download(
        self,
        urls: Sequence[str],
        folder: Path,
        *,
        renew: Callable[[], Sequence[str]] | None = None,
        on_bytes: OnBytes | None = None,
        on_wait: OnWait | None = None,
    ) -> list[Path]:
        """The files behind `urls`, in their order, as new files in `folder`.

        Each is retried from its start when the connection breaks or the file comes short. `renew` is asked for new links
        when one has expired; everything then starts again. Raises FireworksError (StorageError when the disk is full,
        Cancelled), and leaves no file behind then.
        """
        tell = on_bytes or (lambda _done, _total: None)
        for renewals_left in reversed(range(_RENEWALS + 1)):
            paths: list[Path] = []
            try:
                self._all(urls, folder, paths, tell, on_wait)
            except LinkExpired:
                _remove(paths)
                if renew is None or not renewals_left:
                    raise
                urls = renew()
            except BaseException:
                _remove(paths)
                raise
            else:
                return paths
        raise AssertionError("unreachable: the last round returns or raises")

    def _all(self, urls: Sequence[str], folder: Path, paths: list[Path], tell: OnBytes, on_wait: OnWait | None) -> None:
        """Fetch all, appending each path to `paths` before its file may exist."""
        finished = 0
        for number, url in enumerate(urls):
            paths.append(folder / f"{number:03d}")
            last = number == len(urls) - 1
            finished += self._with_retries(url, paths[-1], _Span(finished, last, tell), on_wait)

    def _with_retries(self, url: str, path: Path, span: _Span, on_wait: OnWait | None) -> int:
        where = _checked(url)
        return retrying(lambda: self._one(url, path, where, span), policy=self.policy, cancelled=self.cancelled, on_wait=on_wait)

    def _one(self, url: str, path: Path, where: str, span: _Span) -> int:
        """One try at one file; its size. The body is kept as it is sent, so that its length can be checked."""
        begun = False
        try:
            with self.session.get(url, where=where, headers={"Accept-Encoding": "gzip"}) as response:
                _check_given(response, where)
                told = response.headers.get("Content-Length", "")
                length = int(told) if told.isascii() and told.isdigit() else None
                marked = length is not None or "chunked" in response.headers.get("Transfer-Encoding", "").lower()
                begun = True
                received = self._body(response, path, span, length)
        except TimedOut:
            raise
        except NetworkError as error:
            if begun:
                raise CutShort(error.message, error.advice) from None
            raise
        if length is not None and received != length:
            raise make(CutShort, where, f"the file came only in part, {received:,} of {length:,} bytes")
        if not marked and not _ends_well(path, where):
            raise make(CutShort, where, f"the file came only in part, {received:,} bytes of an untold number")
        return received

    def _body(self, response: httpx.Response, path: Path, span: _Span, length: int | None) -> int:
        received = 0
        span.tell(0, length)
        with _private(path) as file:
            for piece in response.iter_raw():
                received += len(piece)
                if self.cancelled.is_set():
                    raise Cancelled
                _write(file, piece)
                span.tell(received, length)
        return received


@dataclass(frozen=True, slots=True)
class _Span:
    """One file's place in the progress of all: the bytes of those before it, and whether it is the last."""

    before: int
    last: bool
    on_bytes: OnBytes

    def tell(self, done: int, length: int | None) -> None:
        self.on_bytes(self.before + done, self.before + length if self.last and length is not None else None)


def open_download(path: Path, where: str) -> BinaryIO:
    """The downloaded file as plain CSV bytes, whether it is gzip or not.

    Reading raises UnexpectedAnswer for gzip that is cut, damaged, or made to fill the memory.
    """
    file = path.open("rb")
    if file.peek(2)[:2] != _GZIP:
        return file
    inflated = _Inflated(file, where, path.stat().st_size)
    return cast(BinaryIO, io.BufferedReader(inflated, 1 << 20))


class _Inflated(io.RawIOBase):
    """The contents of a gzip file, with our errors and a bound."""

    def __init__(self, file: io.BufferedReader, where: str, size: int) -> None:
        self._file = file
        self._contents = gzip.GzipFile(fileobj=file, mode="rb")
        self._where = where
        self._left = max(_FREE_INFLATION, size * _MOST_INFLATION)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._contents.read(len(buffer))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _not_given(self._where, f"the gzip file is damaged, {one_line(str(error))}") from None
        self._left -= len(piece)
        if self._left < 0:
            raise _not_given(self._where, "the gzip file unpacks to far more than an export can be")
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._contents.close()
            self._file.close()
        super().close()


def _checked(url: str) -> str:
    """How messages name the host behind a link. Raises UnexpectedAnswer for a link that must not be followed."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable():
        raise make(UnexpectedAnswer, "download", "the download link is not a web address")
    where = f"download from {parts.netloc.rpartition('@')[2]}"
    if parts.scheme == "http" and not is_loopback(host):
        raise make(UnexpectedAnswer, where, "the download link is without TLS and is not followed")
    return where


def _check_given(response: httpx.Response, where: str) -> None:
    """Raise for an answer that is not the file."""
    if response.status_code in _EXPIRED:
        raise make(LinkExpired, where, "the link has expired", status=f"HTTP {response.status_code}")
    if response.status_code != httpx.codes.OK:
        raise _refused(response, where)
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise _not_given(where, "a web page instead of the file")


def _refused(response: httpx.Response, where: str) -> FireworksError:
    """The error behind a storage service's answer; its other statuses say nothing of the account."""
    status = response.status_code
    if status == httpx.codes.NOT_IMPLEMENTED:
        return make(ServiceError, where, status=f"HTTP {status}")
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
        return from_http(status, b"", where=where, retry_after=retry_after(response.headers))
    words = "the answer sends us to another address, which is not followed" if 300 <= status < 400 else "the file was not given"
    return _not_given(where, f"{words} (HTTP {status})")


def _not_given(where: str, words: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{where}: {words}", NOT_GIVEN)


def _private(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
    except OSError as error:
        raise _no_room(error) from None


def _write(file: BinaryIO, piece: bytes) -> None:
    rest = memoryview(piece)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise _no_room(error) from None


def _no_room(error: OSError) -> StorageError:
    return StorageError(
        f"the download cannot be written to the temporary folder ({error.strerror})",
        "free some space, or name another folder in TMPDIR",
    )


def _ends_well(path: Path, where: str) -> bool:
    """Whether a file of untold length is whole as far as can be seen: gzip to its check sum, text to its last line's end."""
    last = b""
    with open_download(path, where) as contents:
        try:
            while piece := contents.read(1 << 20):
                last = piece[-1:]
        except UnexpectedAnswer:
            return False
    return last == b"\n"


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
