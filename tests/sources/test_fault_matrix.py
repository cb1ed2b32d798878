"""What goes wrong, line by line: what the user is told, what is kept, and how `fwbill export` and `fwbill summary` end.

Each row asks for 62 days, two windows of 31. Most faults strike the second one alone: then the first is kept in the archive,
`export` writes nothing rather than too little, and `summary` says what is missing. A fault that stands for all of the
account (a refused key, …) ends everything. Retries happen as often as ever, without their pauses. `pytest -s` on this file
prints the whole table.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import socket
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from raw_http2 import Headers, RawHttp2

from fwbill_tui.archive.archive import Archive
from fwbill_tui.cli.main import run
from fwbill_tui.demo.faults import (
    Answer,
    Delay,
    ExpiredLinks,
    Fault,
    Faults,
    Gzip,
    Hang,
    Links,
    OldHeader,
    Reset,
    Status,
    Truncated,
    WrongTypes,
    html,
    redirect,
    refusal,
)
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks import download, gateway, http, rest
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.auto import AccountWays
from fwbill_tui.usage.query import TimeRange

RANGE = "2026-09-01..2026-11-01"
FIRST = TimeRange(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
SECOND = TimeRange(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
"""Within the second window, Oct 2 to Nov 1."""
EXPORT, DOWNLOAD, USAGE = "grpc.ExportBillingMetrics", "download", "rest.billingUsage"
ALL, HALF, NOTHING = 62, 31, 0
"""Days that are kept."""
OK, FAILED, REFUSED, NO_ACCOUNT, NETWORK = 0, 1, 3, 4, 5
"""Exit codes."""
AGAIN = "check the network connection"
LATER = "try again in a few minutes"
PROXY = "whether a proxy answers in the service's place"
"""What to do next."""


@dataclass(frozen=True)
class Row:
    """A fault, and what becomes of it. `said`: what the line has, in order. `strikes`: the second window, or everything."""

    fault: str
    effect: Any
    said: tuple[str, ...] = ()
    code: int = NETWORK
    kept: int = HALF
    at: str = DOWNLOAD
    times: int | None = None
    everything: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def faults(self) -> Faults:
        window = None if self.everything else SECOND
        # Where the gateway is not reached another way is taken, unless something has come: so the second window comes late.
        leaves = AGAIN in self.said and self.at != USAGE and not self.everything
        rules = [Fault(Delay(0.7), self.at, 1, window=SECOND)] if leaves else []
        rules += [Fault(self.effect, self.at, self.times, window=window)] if self.effect is not None else []
        closed = [Fault(Status("UNIMPLEMENTED"), EXPORT)] if self.at == USAGE else []
        return Faults((*rules, *closed))


def passing(fault: str, effect: Any, *, at: str = DOWNLOAD, times: int | None = 1) -> Row:
    """A fault that is overcome: nothing is said, everything is there."""
    return Row(fault, effect, code=OK, kept=ALL, at=at, times=times)


def final(fault: str, effect: Any, *said: str, code: int, at: str = EXPORT, **more: Any) -> Row:
    """A fault that stands for the whole account."""
    return Row(fault, effect, said, code, NOTHING, at, everything=True, **more)


def usage(**fields: Any) -> Answer:
    """An answer of billingUsage of one row, on a day of the second window, with these fields changed."""
    row = {"startTime": "2026-10-05T00:00:00Z", "endTime": "2026-10-06T00:00:00Z", "promptTokens": "7", "completionTokens": "1"}
    row |= {"usageType": "TEXT", "group": {"model_name": "m", "api_key_id": "k"}} | fields
    return Answer(200, json.dumps({"serverlessCosts": [row], "newStreamCosts": [{"x": 1}]}).encode())


BOMB = gzip.compress(b"start_time,usage_type\n" + b"0" * 50_000_000, 9)
MARCH = "Mon, 02 Mar 2026 00:00:0{} GMT"
SKEWED = Answer(429, b"", (("Date", MARCH.format(1)), ("Retry-After", MARCH.format(3))))
DOWN = {"FIREWORKS_BASE_URL": "http://127.0.0.1:1", "FIREWORKS_GATEWAY_ADDR": "127.0.0.1:1"}
NOWHERE = {"FIREWORKS_BASE_URL": "https://fwbill.invalid", "FIREWORKS_GATEWAY_ADDR": "fwbill.invalid:443"}

GATEWAY_ROWS = [
    # -- the connection
    final("DNS failure", None, "not reached", AGAIN, code=NETWORK, environ=NOWHERE),
    final("connection refused", None, "not reached", "refused", AGAIN, code=NETWORK, environ=DOWN),
    Row("timeout before the answer", Hang(), ("no answer in time", AGAIN), at=EXPORT),
    Row("timeout before the body", Hang(), ("no answer in time", AGAIN)),
    Row("timeout during the body", Hang("inside"), ("no answer in time", AGAIN)),
    Row("reset before the body", Reset(), ("connection broke", "reset by peer", AGAIN)),
    Row("reset in mid-body", Reset("inside"), ("connection broke", AGAIN)),
    Row("truncated with length", Truncated(), ("only in part", AGAIN)),
    Row("truncated without length", Truncated(length=False), ("only in part", AGAIN)),
    passing("timeout once", Hang()),
    passing("reset once", Reset("inside")),
    passing("truncated once, without length", Truncated(length=False)),
    # -- what the gateway says
    *(
        Row(f"gRPC {code} in {where}", Status(code, trailers=where == "trailers"), (words, advice), at=EXPORT)
        for where, code, words, advice in (
            ("headers", "CANCELLED", "the service failed", LATER),
            ("trailers", "UNKNOWN", "the service failed", LATER),
            ("headers", "INTERNAL", "the service failed", LATER),
            ("trailers", "INTERNAL", "the service failed", LATER),
            ("headers", "DATA_LOSS", "the service failed", LATER),
            ("trailers", "ABORTED", "the service failed", LATER),
            ("headers", "UNAVAILABLE", "not reached", AGAIN),
            ("trailers", "UNAVAILABLE", "not reached", AGAIN),
            ("headers", "DEADLINE_EXCEEDED", "no answer in time", AGAIN),
            ("headers", "INVALID_ARGUMENT", "the request was refused", "change the range"),
            ("trailers", "OUT_OF_RANGE", "the request was refused", "change the range"),
            ("headers", "RESOURCE_EXHAUSTED", "too many requests", "wait a minute"),
            ("trailers", "RESOURCE_EXHAUSTED", "too many requests", "wait a minute"),
        )
    ),
    final("gRPC PERMISSION_DENIED", Status("PERMISSION_DENIED"), "no permission", "check the account id", code=NO_ACCOUNT),
    final("gRPC NOT_FOUND", Status("NOT_FOUND", trailers=True), "no such account", "check the account id", code=NO_ACCOUNT),
    final(
        "suspended account (gRPC)", Status("FAILED_PRECONDITION", "suspended"), '"suspended"', "see Billing", code=NETWORK
    ),
    passing("gRPC UNAVAILABLE once", Status("UNAVAILABLE"), at=EXPORT),
    passing("gRPC RESOURCE_EXHAUSTED nine times", Status("RESOURCE_EXHAUSTED", trailers=True), at=EXPORT, times=9),
    # -- the signed links
    Row("no signed URL", Links(0), ("no download link; this does not mean no usage", PROXY), at=EXPORT),
    passing("several signed URLs", Links(3), at=EXPORT, times=None),
    passing("expired link, a new one is good", ExpiredLinks(), at=EXPORT),
    Row("expired links for ever", ExpiredLinks(), ("the link has expired", "fetch again"), at=EXPORT),
    *(Row(f"HTTP {code} for the link", refusal(code), ("the link has expired", "fetch again")) for code in (401, 403, 404)),
    Row("HTTP 412 for the link", refusal(412), ("the file was not given (HTTP 412)", "fetch again")),
    *(Row(f"HTTP {code} for ever", refusal(code), (f"the service failed (HTTP {code})", LATER)) for code in (500, 501, 502, 503)),
    Row("HTTP 504 for ever", refusal(504), ("no answer in time (HTTP 504)", AGAIN)),
    *(passing(f"HTTP {code} once", refusal(code)) for code in (500, 501, 502, 503, 504)),
    Row("HTTP 429 without Retry-After, for ever", refusal(429), ("too many requests", "wait a minute", "10 requests a minute")),
    Row("HTTP 429 with Retry-After beyond patience", refusal(429, retry_after=600), ("too many requests", "wait a minute")),
    passing("HTTP 429 without Retry-After, nine times", refusal(429), times=9),
    passing("HTTP 429 with Retry-After", refusal(429, retry_after=2), times=3),
    passing("HTTP 429 by a clock that is months behind", SKEWED, times=2),
    Row("redirect to another host", redirect("http://127.0.0.2:1/x"), ("another address, which is not followed", PROXY)),
    # -- what is in the file
    passing("gzip file", Gzip(), times=None),
    passing("gzip on the way", Gzip(encoded=True), times=None),
    Row("a bomb", Answer(200, BOMB), ("unpacks to far more than an export can be", PROXY)),
    Row("gzip that is cut", Answer(200, BOMB[:2000]), ("gzip file is damaged", PROXY)),
    Row("HTML instead of CSV", html(), ("a web page instead of the file", "does not mean no usage")),
    Row("JSON instead of CSV", Answer(200, b'{"error": 1}\n'), ("not a usage export", "does not mean no usage")),
    Row("another CSV", Answer(200, b"a,b\n1,2\n"), ("no column start_time", "found a, b", "does not mean no usage")),
    Row("empty file", Answer(200), ("the file is empty", "does not mean no usage")),
    passing("another header in the second window", OldHeader(), times=None),
    passing("unknown column", Answer(200, b"start_time,usage_type,region\n2026-10-05 00:00:00 UTC,NEW_USAGE,eu\n"), times=None),
]  # fmt: skip

USAGE_ROWS = [
    *(
        final(f"HTTP {status}", refusal(status, "so it is"), words, advice, code=code, at=USAGE)
        for status, words, advice, code in (
            (401, "the key was refused", "check the API key", REFUSED),
            (403, "no permission", "ask an administrator", NO_ACCOUNT),
            (404, "no such account", "check the account id", NO_ACCOUNT),
            (412, "the account is suspended", "see Billing in the console", NO_ACCOUNT),
            (501, "does not have this call", "check FIREWORKS_BASE_URL", NETWORK),
        )
    ),
    Row("HTTP 400", refusal(400), ("the request was refused", "change the range"), at=USAGE),
    *(Row(f"HTTP {code} for ever", refusal(code), ("the service failed", LATER), at=USAGE) for code in (500, 502, 503)),
    Row("HTTP 504 for ever", refusal(504), ("no answer in time", AGAIN), at=USAGE),
    *(passing(f"HTTP {code} once", refusal(code), at=USAGE) for code in (500, 502, 503, 504)),
    Row("HTTP 429 for ever", refusal(429), ("too many requests", "wait a minute"), at=USAGE),
    passing("HTTP 429 with Retry-After", refusal(429, retry_after=1), at=USAGE, times=2),
    Row("timeout before the body", Hang(), ("no answer in time", AGAIN), at=USAGE),
    Row("timeout during the body", Hang("inside"), ("no answer in time", AGAIN), at=USAGE),
    Row("reset", Reset(), ("connection broke", AGAIN), at=USAGE),
    Row("reset in mid-body", Reset("inside"), ("connection broke", AGAIN), at=USAGE),
    Row("truncated with length", Truncated(), ("only in part", AGAIN), at=USAGE),
    Row("truncated without length", Truncated(length=False), ("only in part", AGAIN), at=USAGE),
    passing("truncated once, without length", Truncated(length=False), at=USAGE),
    Row("HTML instead of JSON", html(), ("a web page instead of JSON", PROXY), at=USAGE),
    Row("not JSON", Answer(200, b"so it is"), ("not JSON", PROXY), at=USAGE),
    Row("a list instead of an object", Answer(200, b"[]"), ("not a JSON object", PROXY), at=USAGE),
    Row("wrong JSON types", WrongTypes(), ("serverlessCosts has the wrong type", PROXY), at=USAGE),
    Row("a number that is none", usage(promptTokens="7.5"), ("serverlessCosts[0].promptTokens has the wrong type",), at=USAGE),
    Row("no answer at all", Answer(200), ("the answer is empty; this does not mean no usage",), at=USAGE),
    Row("redirect to another host", redirect("http://127.0.0.2:1/x"), ("another address, where no key goes", PROXY), at=USAGE),
    passing("gzip", Gzip(encoded=True), at=USAGE, times=None),
    Row("an empty answer, which proves nothing", Answer(200, b"{}"), code=OK, at=USAGE),
    passing("unknown values and fields", usage(usageType="NEW_USAGE", newField="x", placement="MARS"), at=USAGE, times=None),
]  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Iterator[DemoServer]:
    with DemoServer(2_000, end=date(2026, 11, 21)) as server:
        yield server


@pytest.fixture
def server(shared: DemoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoServer]:
    """A server whose faults can be set, an account to ask it about, and no patience."""
    for name in [name for name in os.environ if name.startswith(("FIREWORKS_", "FWBILL_FIRECTL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FIREWORKS_API_KEY", shared.api_key)
    monkeypatch.setenv("FIREWORKS_BASE_URL", shared.base_url)
    monkeypatch.setenv("FIREWORKS_GATEWAY_ADDR", shared.gateway_addr)
    monkeypatch.setenv("FWBILL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(RetryPolicy, "pause", lambda *_: 0.001)
    monkeypatch.setitem(AccountWays.__init__.__kwdefaults__, "quiet_limit", 1.0)
    monkeypatch.setattr(download, "_FREE_INFLATION", 1 << 20)
    shared.forget_requests()
    yield shared
    shared.faults = Faults()


class Told:
    """How commands end, and what they say."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder, self._capsys = folder, capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error of a command about the account."""
        self._capsys.readouterr()
        code = run([arguments[0], "-a", "acme-prod", "--range", RANGE, *arguments[1:]], open_explorer=lambda _: 0)
        out, err = self._capsys.readouterr()
        return code, out, err

    @property
    def kept(self) -> int:
        """The days in the archive."""
        return sum(each.days for each in Archive(self._folder / "data" / "archive").accounts())


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(tmp_path, capsys)


@pytest.fixture
def hurried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a second at most for what will never come."""
    if isinstance(request.getfixturevalue("row").effect, Hang):
        for made in (http.HttpSession, rest.RestClient):
            monkeypatch.setitem(made.__init__.__kwdefaults__, "timeout", httpx.Timeout(1))
        monkeypatch.setitem(gateway.Gateway.__init__.__kwdefaults__, "deadline", 1)


def assert_one_understandable_line(said: str, row: Row, server: DemoServer) -> None:
    assert said.endswith("\n")
    assert said.count("\n") == 1
    assert said.startswith("fwbill: ")
    assert re.search(".*".join(map(re.escape, row.said)), said), said
    assert not re.search(r"Errno|Traceback|httpx|grpc\.|<class|\bNone\b|0x[0-9a-f]{6}|_ssl|SSL_ERROR|ipv4:|UNKNOWN:", said), said
    assert server.api_key not in said
    assert "signature" not in said.lower()


def shown(capsys: pytest.CaptureFixture[str], row: Row, code: int, kept: int, said: str) -> None:
    with capsys.disabled():
        if "-s" in sys.argv:
            print(f"\n| {row.fault} | {said.strip().removeprefix('fwbill: ') or '–'} | {kept} days | {code} |")


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("row", GATEWAY_ROWS, ids=lambda row: row.fault)
def test_events(row: Row, server: DemoServer, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name, value in row.environ.items():
        monkeypatch.setenv(name, value)
    server.faults = row.faults
    code, _, said = told("export")
    shown(capsys, row, code, told.kept, said)
    assert (code, told.kept) == (row.code, row.kept), said
    assert Path("billing_metrics.csv").exists() == (row.code == OK)
    assert {request.headers.get("x-api-key") for request in server.requests if request.side == "download"} <= {None}
    if row.code == OK:
        assert said == ""
        return
    assert_one_understandable_line(said, row, server)

    monkeypatch.setenv("FWBILL_DATA_DIR", "elsewhere")  # as on another machine, where nothing is kept yet
    server.faults = row.faults
    code, out, said = told("summary", "--output", "json")
    assert code == row.code
    if row.kept == HALF:
        assert_one_understandable_line(said, row, server)
        assert said.startswith("fwbill: partial: Oct 2 – Nov 1 2026 · UTC is missing: ")
        assert json.loads(out)["totals"]["events"] == server.expected(FIRST).height
    elif row.kept == NOTHING:
        assert_one_understandable_line(said, row, server)
        assert out == ""


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("row", USAGE_ROWS, ids=lambda row: row.fault)
def test_usage_by_day(row: Row, server: DemoServer, told: Told, capsys: Any) -> None:
    server.faults = row.faults
    code, out, said = told("summary", "--output", "json")
    shown(capsys, row, code, told.kept, said)
    assert told.kept == NOTHING  # sums per day are never kept
    assert code == (NETWORK if row.code == OK else row.code), said  # nobody asked for them
    said, stand_in, _ = said.partition("fwbill: partial: sums per day stand in for usage events")
    assert bool(stand_in) == bool(out)
    if row.code == OK:
        assert said == ""
        assert json.loads(out)["source"]["grain"] == "day"
        assert (row.kept == ALL) == ("no proof that there was no usage" not in out)
    else:
        assert_one_understandable_line(said, row, server)

    server.faults = row.faults
    code, _, said = told("export", "--source", "rest")
    assert code == row.code
    assert Path("billing_metrics.csv").exists() == (row.code == OK)
    if row.code != OK:
        assert_one_understandable_line(said, row, server)
    else:
        assert "REST usage by day: each row is a day's usage (UTC)" in said


# -- what no gRPC library would answer -----------------------------------------------------------------------------------
PLAIN = (":status", "200"), ("content-type", "application/grpc")
HTML = ("content-type", "text/html")


@pytest.mark.parametrize(
    ("headers", "data", "trailers", "said", "code"),
    [
        pytest.param(PLAIN, None, (), ("none of a gateway", PROXY), NETWORK, id="neither message nor status"),
        pytest.param(PLAIN, b"", (), ("broke off", LATER), NETWORK, id="empty body without status"),
        pytest.param(PLAIN, bytes(5), (), ("broke off", LATER), NETWORK, id="empty message without status"),
        pytest.param(PLAIN, bytes(5), [("grpc-status", "0")], ("this does not mean no usage",), NETWORK, id="empty message"),
        pytest.param([*PLAIN, ("grpc-status", "16")], None, (), ("the key was refused",), REFUSED, id="refused in headers alone"),
        pytest.param(PLAIN, None, [("grpc-status", "7")], ("no permission",), NO_ACCOUNT, id="refused in trailers"),
        pytest.param([*PLAIN, ("grpc-status", "99")], None, (), ("the service failed", LATER), NETWORK, id="unknown status"),
        pytest.param(PLAIN, b"<html>", [("grpc-status", "0")], ("cannot be read", PROXY), NETWORK, id="not a message"),
        pytest.param([(":status", "200"), HTML], b"<html>", (), ("broke off", LATER), NETWORK, id="HTML"),
        pytest.param([(":status", "503"), HTML], b"<html>", (), (AGAIN,), NETWORK, id="HTTP 503"),
        pytest.param([(":status", "403"), HTML], b"no", (), ("no permission",), NO_ACCOUNT, id="HTTP 403"),
        pytest.param(
            [(":status", "302"), ("location", "https://x.invalid/")],
            None,
            (),
            ("web server answers", PROXY),
            NETWORK,
            id="HTTP 302",
        ),
    ],
)
def test_answers_that_are_no_grpc(
    headers: Headers, data: bytes | None, trailers: Headers, said: tuple[str, ...], code: int,
    server: DemoServer, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: Any,
) -> None:  # fmt: skip
    with RawHttp2(headers, data, trailers) as answer:
        monkeypatch.setenv("FIREWORKS_GATEWAY_ADDR", answer.addr)
        got, _, line = told("export", "--source", "gateway")
    row = Row("gateway", None, said, code)
    shown(capsys, row, got, told.kept, line)
    assert_one_understandable_line(line, row, server)
    assert got == code
    assert not Path("billing_metrics.csv").exists()


# -- TLS, keys, and firectl ----------------------------------------------------------------------------------------------
@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[int]:
    """The port of a server with a certificate that nobody has signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    now = datetime.now(UTC)
    certificate = made.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1)).sign(key, hashes.SHA256())
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "pem").write_bytes(certificate.public_bytes(form[0]) + key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(2)
                coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()  # a wrapped socket stays open where the client is gone by then
                handshake = context.wrap_bio(coming, going, server_side=True)
                with contextlib.suppress(OSError), connection:
                    while True:
                        with contextlib.suppress(ssl.SSLWantReadError):
                            handshake.do_handshake()
                        connection.sendall(going.read())
                        if not (received := connection.recv(1 << 16)):
                            break
                        coming.write(received)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.mark.parametrize("way", ["gateway", "rest"])
def test_tls_failure(
    way: str, untrusted: int, server: DemoServer, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("FIREWORKS_BASE_URL", f"https://127.0.0.1:{untrusted}")
    monkeypatch.setenv("FIREWORKS_GATEWAY_ADDR", f"0.0.0.0:{untrusted}")  # this machine, by a name that is not loopback's
    row = Row(
        "TLS failure",
        None,
        ("no trusted connection, the certificate is not trusted (self", "check the machine's clock, its certificates"),
        NETWORK,
    )
    code, _, said = told("export", "--source", way)
    shown(capsys, row, code, told.kept, said)
    assert_one_understandable_line(said, row, server)
    assert code == NETWORK


@pytest.mark.parametrize(
    ("key", "said", "code"),
    [
        ("fw_nobodyKnowsThisKey", ("the key was refused", "check the API key"), REFUSED),
        ("powerless", ("no permission", "ask an administrator"), NO_ACCOUNT),
        ("fw_with a space", ("FIREWORKS_API_KEY",), REFUSED),
        ("fw_grün", ("FIREWORKS_API_KEY",), REFUSED),
    ],
)
@pytest.mark.parametrize("way", ["auto", "gateway", "rest"])
def test_keys(
    key: str, way: str, said: tuple[str, ...], code: int,
    server: DemoServer, told: Told, monkeypatch: pytest.MonkeyPatch, capsys: Any,
) -> None:  # fmt: skip
    monkeypatch.setenv("FIREWORKS_API_KEY", server.powerless_key if key == "powerless" else key)
    monkeypatch.setenv("HOME", str(Path.cwd()))
    got, _, line = told("export", "--source", way)
    row = Row(f"key {key}, {way}", None, said, code)
    shown(capsys, row, got, told.kept, line)
    assert_one_understandable_line(line, row, server)
    assert key not in line
    assert (got, told.kept) == (code, NOTHING)


@pytest.mark.parametrize(
    ("behaviour", "said", "code"),
    [
        ({}, (), OK),
        ({"spelling": ["export", "billing-metrics"]}, (), OK),
        ({"spelling": ["export", "billing-metrics"], "help": True}, (), OK),
        ({"failures": 1, "says": "rpc error: code = Unavailable desc = connection reset"}, (), OK),
        ({"spelling": ["some", "other"]}, ("no export of billing metrics", "install a newer one"), NETWORK),
        ({"hangs": True}, ("nothing came for 1 seconds", AGAIN), NETWORK),
        ({"hangs": True, "stubborn": True}, ("nothing came for 1 seconds", AGAIN), NETWORK),
        ({"part": 0.5}, ("ends within a line, so something is missing", "with firectl itself"), NETWORK),
        ({"part": 0.0}, ("wrote an empty file; this does not mean no usage",), NETWORK),
        ({"writes": False}, ("wrote no file; this does not mean no usage",), NETWORK),
        ({"killed": True}, ("ended by signal 9", "try the same with firectl itself"), NETWORK),
        ({"account": "another"}, ("no permission", "check the account id"), NO_ACCOUNT),
        ({"failures": -1, "says": "Error: rpc error: code = Unauthenticated desc = bad key"}, ("the key was refused",), REFUSED),
        ({"failures": -1, "says": "panic: runtime error: index out of range"}, ("failed with status 1", "panic"), NETWORK),
        ({"failures": -1, "says": "dial tcp: lookup gateway.fireworks.ai: no such host"}, ("no such host", AGAIN), NETWORK),
    ],
    ids=str,
)
def test_firectl(
    behaviour: dict[str, Any], said: tuple[str, ...], code: int,
    server: DemoServer, told: Told, firectl: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any,
) -> None:  # fmt: skip
    monkeypatch.setenv("FWBILL_FIRECTL", str(firectl.program))
    server.expected().write_csv(firectl.program.with_name("events.csv"), datetime_format="%Y-%m-%d %H:%M:%S UTC")
    firectl.behave(**behaviour)
    got, _, line = told("export", "--source", "firectl")
    row = Row(f"firectl {behaviour}", None, said, code)
    shown(capsys, row, got, told.kept, line)
    assert got == code, line
    assert Path("billing_metrics.csv").exists() == (code == OK)
    if code == OK:
        assert line == ""
    else:
        assert_one_understandable_line(line, row, server)
