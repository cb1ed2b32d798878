"""Proxies and certificates as the environment names them, sound and not."""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fwbill_tui.fireworks import errors, http
from fwbill_tui.fireworks.http import HttpSession

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
Answer = Callable[..., bytes]


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def get(url: str, cancelled: threading.Event | None = None) -> bytes:
    with (
        HttpSession(direct=False, cancelled=cancelled) as session,
        session.get(url, where="accounts at api.fireworks.ai") as response,
    ):
        return response.read()


@contextlib.contextmanager
def socks_proxy(*replies: bytes) -> Iterator[str]:
    """The address of a proxy for one connection, which says `replies` in turn, and then connects to where it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                asked = b""
                for reply in replies:
                    asked = client.recv(300)
                    client.sendall(reply)
                if len(replies) < 2:
                    return
                with socket.create_connection(("127.0.0.1", int.from_bytes(asked[-2:], "big"))) as server:
                    while True:
                        heard = select.select([client, server], [], [])[0][0]
                        if not (part := heard.recv(5000)):
                            return
                        (server if heard is client else client).sendall(part)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"socks5://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


WELCOME, CONNECTED = b"\x05\x00", b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x09"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "foo://user:hunter2@x"),
        ("https_proxy", "http://user:hunter2@x:port"),
        ("ALL_PROXY", "socks4://user:hunter2@x"),
        ("HTTP_PROXY", "http://[::1"),
        ("NO_PROXY", "[::1"),
    ],
)
def test_a_proxy_that_is_none_is_named_with_what_to_do(environ: pytest.MonkeyPatch, name: str, value: str) -> None:
    environ.setenv(name, value)
    with pytest.raises(errors.BadSetting, match=f"^{name} is not .*: write it as .* or unset it$") as raised:
        HttpSession(direct=False)
    assert "hunter2" not in str(raised.value)
    HttpSession(direct=True).close()


def test_certificates_that_cannot_be_read_are_named(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name, reason in (("gone.pem", "No such file or directory"), (".", "Is a directory"), ("empty.pem", "NO_CERTIFICATE")):
        file = tmp_path / name
        environ.setenv("SSL_CERT_FILE", str(file))
        with pytest.raises(errors.UntrustedConnection, match=f"^SSL_CERT_FILE names {file}, .*{reason}.*: name a file"):
            HttpSession(direct=False)
        HttpSession(direct=True).close()


def test_requests_go_through_a_socks_proxy(environ: pytest.MonkeyPatch, serve: Any, answer: Answer) -> None:
    server = serve(lambda _: answer(200, "usage"))
    with socks_proxy(WELCOME, CONNECTED) as proxy:
        environ.setenv("ALL_PROXY", proxy)
        assert get(server.url) == b"usage"
    assert len(server.requests) == 1


def test_the_password_of_a_socks_proxy_is_not_logged(
    environ: pytest.MonkeyPatch, serve: Any, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(lambda _: answer(200, "usage"))
    with socks_proxy(b"\x05\x02", b"\x01\x00", CONNECTED) as proxy, caplog.at_level("DEBUG"):
        environ.setenv("ALL_PROXY", proxy.replace("//", "//alice:hunter2@"))
        assert get(server.url) == b"usage"
    assert "receive_response_headers.complete" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_request_through_a_socks_proxy_ends_when_it_is_cancelled(environ: pytest.MonkeyPatch, serve: Any) -> None:
    cancelled = threading.Event()
    server = serve(lambda _: cancelled.set())
    with socks_proxy(WELCOME, CONNECTED) as proxy:
        environ.setenv("ALL_PROXY", proxy)
        with pytest.raises(errors.Cancelled):
            get(server.url, cancelled)


@pytest.mark.skipif(sys.platform == "win32", reason="sockets have another limit there")
def test_a_socks_proxy_that_says_nothing_is_not_waited_for_without_end(environ: pytest.MonkeyPatch) -> None:
    environ.setattr(http, "_SILENCE", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:  # which takes connections, and never reads of them
        environ.setenv("ALL_PROXY", f"socks5://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(errors.TimedOut):
            get("http://127.0.0.1:9")


@pytest.mark.parametrize("replies", [(b"",), (b"HTTP/1.1 400 Bad Request\r\n\r\n",), (b"\x05\xff",)])
def test_a_proxy_that_speaks_no_socks_is_no_fault_of_ours(environ: pytest.MonkeyPatch, replies: tuple[bytes, ...]) -> None:
    with socks_proxy(*replies) as proxy:
        environ.setenv("ALL_PROXY", proxy)
        with pytest.raises(errors.NetworkError, match="proxy"):
            get("http://127.0.0.1:9")
