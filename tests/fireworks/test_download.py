from __future__ import annotations

import gzip
import logging
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fwbill_tui.fireworks import download as module
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.download import Downloader, open_download
from fwbill_tui.fireworks.http import HttpSession
from fwbill_tui.fireworks.retry import RetryPolicy

CSV = b"start_time,usage_type\n2026-10-01 00:00:00 UTC,TEXT\n" * 2000
SIGNATURE = "?X-Goog-Signature=canarycanary"
Answer = Callable[..., bytes]


@pytest.fixture
def cancelled() -> threading.Event:
    return threading.Event()


@pytest.fixture
def downloader(cancelled: threading.Event, quick: RetryPolicy) -> Iterator[Downloader]:
    with HttpSession(direct=True, cancelled=cancelled) as session:
        yield Downloader(session, cancelled, quick)


def contents(path: Path) -> bytes:
    with open_download(path, "x") as stream:
        return stream.read()


def test_a_file_comes_whole_private_and_without_any_sign_in(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path
) -> None:
    server = serve(lambda _: answer(200, CSV))
    seen: list[tuple[int, int | None]] = []
    (path,) = downloader.download([server.url + "/a.csv" + SIGNATURE], tmp_path, on_bytes=lambda *now: seen.append(now))
    assert contents(path) == CSV
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seen[0] == (0, len(CSV))
    assert seen[-1] == (len(CSV), len(CSV))
    (request,) = server.requests
    assert request.target == "/a.csv" + SIGNATURE
    assert not {"authorization", "x-api-key", "cookie"} & set(request.headers)


def test_a_log_of_the_libraries_has_no_signature_in_it(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(lambda _: answer(200, CSV, f"Location: https://elsewhere.example/{SIGNATURE}"))
    downloader.download([server.url + "/a.csv" + SIGNATURE], tmp_path)
    assert "/a.csv?[redacted]" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("headers", [(), ("Content-Encoding: gzip",), ("Content-Type: application/gzip",)])
def test_gzip_is_seen_by_its_first_bytes(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path, headers: tuple[str, ...]
) -> None:
    server = serve(lambda _: answer(200, gzip.compress(CSV), *headers))
    (path,) = downloader.download([server.url], tmp_path)
    assert contents(path) == CSV


def test_several_links_give_several_files_in_their_order(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path
) -> None:
    server = serve(lambda request: answer(200, f"part {request.target}\n"))
    seen: list[tuple[int, int | None]] = []
    paths = downloader.download([f"{server.url}/{part}" for part in "abc"], tmp_path, on_bytes=lambda *now: seen.append(now))
    assert [contents(path) for path in paths] == [b"part /a\n", b"part /b\n", b"part /c\n"]
    assert seen[-1] == (24, 24)
    assert seen[0] == (0, None)
    assert {request.connection for request in server.requests} == {1}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda answer: answer(200, CSV[:1000], "Connection: close", length=len(CSV)), id="short of its length"),
        pytest.param(
            lambda answer: answer(200, b"10000\r\n" + CSV[:99], "Transfer-Encoding: chunked", length=None), id="chunk cut"
        ),
        pytest.param(lambda answer: answer(200, CSV[:1001], length=None), id="cut without any length"),
        pytest.param(lambda answer: answer(200, gzip.compress(CSV)[:-9], length=None), id="gzip cut without any length"),
        pytest.param(lambda answer: answer(200, b"", length=None), id="nothing without any length"),
        pytest.param(lambda answer: answer(503), id="service down"),
        pytest.param(lambda answer: answer(429, "", "Retry-After: 0"), id="too many requests"),
        pytest.param(lambda _: b"", id="reset"),
    ],
)
def test_what_breaks_once_is_fetched_again_from_its_start(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path, broken: Callable[[Answer], bytes]
) -> None:
    answers = [answer(200, CSV), broken(answer)]
    server = serve(lambda _: answers.pop())
    (path,) = downloader.download([server.url], tmp_path)
    assert contents(path) == CSV
    assert len(server.requests) == 2


def test_what_stays_short_is_an_error_and_leaves_no_file(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path
) -> None:
    server = serve(lambda _: answer(200, CSV[:1000], "Connection: close", length=len(CSV)))
    with pytest.raises(errors.CutShort) as caught:
        downloader.download([server.url + SIGNATURE], tmp_path)
    assert "canary" not in str(caught.value)
    assert len(server.requests) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_whole_file_of_untold_length_is_taken(downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path) -> None:
    server = serve(lambda _: answer(200, CSV, length=None))
    (path,) = downloader.download([server.url], tmp_path)
    assert contents(path) == CSV


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_link_is_asked_for_again(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path, status: int
) -> None:
    server = serve(lambda request: answer(200, CSV) if request.target in ("/fresh", "/first") else answer(status, "ExpiredToken"))
    urls = [server.url + "/first", server.url + "/old" + SIGNATURE]
    paths = downloader.download(urls, tmp_path, renew=lambda: [server.url + "/fresh"])
    assert [contents(path) for path in paths] == [CSV]
    assert sorted(tmp_path.iterdir()) == paths


def test_links_that_never_work_are_given_up(downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path) -> None:
    server = serve(lambda _: answer(403, "<Error>AccessDenied</Error>"))
    renewals: list[None] = []

    def renew() -> list[str]:
        renewals.append(None)
        return [server.url]

    with pytest.raises(errors.LinkExpired, match="HTTP 403"):
        downloader.download([server.url + SIGNATURE], tmp_path, renew=renew)
    assert len(renewals) == 2
    with pytest.raises(errors.LinkExpired):
        downloader.download([server.url], tmp_path)


@pytest.mark.parametrize("status", [204, 206, 302, 412, 451])
def test_any_other_answer_is_refused(downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path, status: int) -> None:
    elsewhere = serve(lambda _: answer(200, CSV))
    server = serve(lambda _: answer(status, "", f"Location: {elsewhere.url}"))
    with pytest.raises(errors.UnexpectedAnswer):
        downloader.download([server.url], tmp_path)
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "url",
    ["http://storage.example/x" + SIGNATURE, "ftp://127.0.0.1/x", "file:///etc/passwd", "", "https://", "http://[::1", "x y"],
)
def test_a_link_that_must_not_be_followed_is_refused(downloader: Downloader, tmp_path: Path, url: str) -> None:
    with pytest.raises(errors.UnexpectedAnswer) as caught:
        downloader.download([url], tmp_path)
    assert "canary" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said(
    downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(lambda _: answer(200, CSV))
    monkeypatch.setattr(module, "_private", lambda _: Path("/dev/full").open("wb", buffering=0))  # noqa: SIM115 - its user closes it
    with pytest.raises(errors.StorageError, match="No space left"):
        downloader.download([server.url], tmp_path)
    assert len(server.requests) == 1


def test_a_missing_folder_is_said(downloader: Downloader, serve: Any, answer: Answer, tmp_path: Path) -> None:
    server = serve(lambda _: answer(200, CSV))
    with pytest.raises(errors.StorageError):
        downloader.download([server.url], tmp_path / "gone")


def test_a_cancel_ends_a_download_that_hangs(
    downloader: Downloader, cancelled: threading.Event, serve: Any, answer: Answer, tmp_path: Path
) -> None:
    server = serve(lambda _: answer(200, CSV, length=len(CSV) + 1))
    timer = threading.Timer(0.1, cancelled.set)
    timer.start()
    with pytest.raises(errors.Cancelled):
        downloader.download([server.url], tmp_path)
    timer.join()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-20], lambda data: data[:50] + b"\0\0\0" + data[53:], lambda data: data[:12]]
)
def test_damaged_gzip_is_an_error_not_a_short_file(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "x"
    path.write_bytes(damage(gzip.compress(CSV)))
    with pytest.raises(errors.UnexpectedAnswer, match="damaged"):
        contents(path)


def test_gzip_made_to_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FREE_INFLATION", 1 << 20)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"0" * (32 << 20)))
    with open_download(path, "x") as stream, pytest.raises(errors.UnexpectedAnswer, match="far more"):
        stream.read()
